package powershell

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const (
	folderPrefix = "rollcall-pwsh-"
	folderLock   = "lock" // the name of the file in a folder that is locked

	// folderAge is how old a folder is at least that nobody uses any more: a newer
	// one may have yet to be locked.
	folderAge = time.Minute
)

// A folder is for the temporary files of one process, which leaves some behind
// when it is killed. It is locked as long as it is in use, so that those of a
// rollcall which was killed can be told.
type folder struct {
	path string
	lock *flock.Flock
}

// makeFolder makes a folder.
func makeFolder() (*folder, error) {
	var tried []string
	for _, place := range folderPlaces() {
		path, err := os.MkdirTemp(place, folderPrefix)
		if err == nil {
			f := &folder{path, flock.New(filepath.Join(path, folderLock))}
			_, _ = f.lock.TryLock() // where there are no locks it is never swept
			return f, nil
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
	_ = f.lock.Close()
	_ = os.RemoveAll(f.path)
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
			f := &folder{path, flock.New(filepath.Join(path, folderLock))}
			if free, err := f.lock.TryLock(); free && err == nil {
				f.remove()
			}
		}
	}
}
