package powershell

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	folderPrefix = "rollcall-pwsh-"
	folderLock   = "lock" // the name of the file in a folder that is locked

	// folderAge is how old a folder has to be to be removed as unused: a newer one
	// may not have been locked yet.
	folderAge = time.Minute
)

// A folder is for the temporary files of one process, which leaves some behind
// when it is killed. It is locked as long as it is in use: one that is not locked is
// of a rollcall that was killed.
type folder struct {
	path string
	lock *os.File // nil where there are no locks
}

// makeFolder makes a folder.
func makeFolder() (*folder, error) {
	var tried []string
	for _, place := range folderPlaces() {
		path, err := os.MkdirTemp(place, folderPrefix)
		if err == nil {
			return &folder{path, lockFile(filepath.Join(path, folderLock))}, nil
		}
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = fmt.Errorf("%s: %w", place, e.Err)
		}
		tried = append(tried, err.Error())
	}
	return nil, setupError("set TMPDIR to a folder that this account can write to", "start PowerShell: no folder for its temporary files: %s", strings.Join(tried, "; "))
}

// folderPlaces returns where a folder may be, the best place first.
func folderPlaces() []string {
	places := []string{os.TempDir()}
	for _, name := range []string{"RUNTIME_DIRECTORY", "CACHE_DIRECTORY", "STATE_DIRECTORY"} { // of a systemd service
		if first, _, _ := strings.Cut(os.Getenv(name), ":"); first != "" {
			places = append(places, first)
		}
	}
	if cache, err := os.UserCacheDir(); err == nil {
		places = append(places, cache)
	}
	return places
}

// remove removes f with all that is in it, as far as that can be done.
func (f *folder) remove() {
	f.unlock()
	_ = os.RemoveAll(f.path)
}

// unlock unlocks f, as the end of rollcall does.
func (f *folder) unlock() {
	if f.lock != nil {
		f.lock.Close()
	}
}

// sweepFolders removes the folders that are left of a rollcall which was killed.
func sweepFolders() {
	for _, place := range folderPlaces() {
		found, _ := filepath.Glob(filepath.Join(place, folderPrefix+"*"))
		for _, path := range found {
			// Of the account's own, where nobody else can have put a link.
			info, err := os.Lstat(path)
			if err != nil || !info.IsDir() || !isOurs(info) || time.Since(info.ModTime()) < folderAge {
				continue
			}
			if lock := lockFile(filepath.Join(path, folderLock)); lock != nil {
				(&folder{path, lock}).remove()
			}
		}
	}
}
