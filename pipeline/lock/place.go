package lock

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Results returns the lock file of the results file called name. It is beside that file,
// after all symbolic links are resolved: one file has one lock, whatever links lead to it.
// (Two hard links are two names, and have two locks.) For a pipe or a device it returns
// the zero File: these need no lock.
func Results(name string) File {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return File{}
	}
	// Not by EvalSymlinks, which needs the file to exist.
	real := name
	for range 40 {
		target, err := os.Readlink(real)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			// Not by filepath.Join: it would remove ".." before the links are resolved.
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

// Tenant returns the lock file for runs that write to a noun of a tenant. It is in dir or,
// if that is "", in the directory that [Dir] returns. The case of the names does not
// matter. An empty noun stands for the whole tenant.
//
// Every account can lock the file and so make others wait, as a run of that account could
// do anyway. No account can make a run of another account write to a different file:
// links are not followed.
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
