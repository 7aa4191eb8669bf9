package lock

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Results returns the lock file of the results file called name: beside it, and by
// its real name, so that whatever symbolic links lead there, it is one lock. (Hard
// links are two names, and two locks.) What is there and is not a file, a pipe or a
// device, needs none: the zero File.
func Results(name string) File {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return File{}
	}
	// By hand, as EvalSymlinks wants the file to be there.
	real := name
	for range 40 {
		target, err := os.Readlink(real)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			// Not joined: that would take out ".." before what is ahead of it is
			// resolved.
			dir, _ := filepath.Split(real)
			target = dir + target
		}
		real = target
	}
	dir, base := filepath.Split(real)
	if dir == "" {
		dir = "."
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	return File{Path: filepath.Join(dir, base+".lock"), What: name}
}

// Tenant returns the lock file for what writes to a noun of a tenant, whatever the
// case of their names: in dir or, if that is "", in the machine's directory, which
// [Dir] returns. An empty noun stands for the tenant as a whole.
//
// Every account can lock the file, and with it keep others waiting, which is no
// more than a run of theirs could do. Nobody can make a run of another account
// write to a file other than this one: it follows no link.
func Tenant(dir, tenant, noun string) (File, error) {
	what := strings.TrimSpace(noun + " of the tenant " + tenant)
	if dir == "" {
		var err error
		if dir, err = Dir(); err != nil {
			return File{}, fmt.Errorf("lock %s: %w", what, err)
		}
	}
	sum := sha256.Sum256([]byte(strings.ToLower(tenant) + "\x00" + strings.ToLower(noun)))
	return File{Path: filepath.Join(dir, fmt.Sprintf("rollcall-%x.lock", sum[:8])), What: what, Shared: true}, nil
}
