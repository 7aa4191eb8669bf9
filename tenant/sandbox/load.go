package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"rollcall/tenant"
	"rollcall/tenant/disk"
)

// Load returns a Tenant whose users are those of the CSV file called name.
//
// The file has a column UserPrincipalName. It may have a column Licensed (true
// or false) and one for each property: PrivacyMode, IsDashboardEnabled,
// IsAddInEnabled, IsDigestEmailEnabled, IsInsightsHeadspaceEnabled and IsEnabled
// (of UserBriefingConfig; Enabled is the same). A blank cell or a missing column stands for
// the value that [New] has. Any other column whose name can be that of a property is a
// property of every noun without rules of its own. All other columns are kept unchanged.
//
// [Tenant.Save] writes the file. Until then each Set that changes a user is written to a file
// beside it, whose name ends in .changes, before it is answered: if the process is killed, the
// next Load finds the change there. Load changes neither file.
func Load(name string) (*Tenant, error) {
	path, err := filepath.EvalSymlinks(name)
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err // what it is of may be a directory on the way
	}
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	b, info, log, err := readBoth(path)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	f, err := parseFile(b)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	f.path, f.info, f.digest, f.log = path, info, digestOf(b), log.changeLog
	if err := f.replay(log.text); err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	return &Tenant{users: f}, nil
}

// A loadedLog is a change log and its content.
type loadedLog struct {
	changeLog
	text []byte
}

// readBoth returns the tenant's file called path, and its log as it was at the
// same time, even if another process saves meanwhile.
func readBoth(path string) (b []byte, info os.FileInfo, log loadedLog, err error) {
	for range 10 { // a file that is replaced more often can't be used
		if b, info, err = readFile(path); err != nil {
			break
		}
		log = loadedLog{changeLog: changeLog{path: LogName(path)}}
		log.text, err = log.read()
		if now, serr := os.Stat(path); serr != nil || sameState(now, info) {
			break
		}
	}
	return b, info, log, err
}

// readFile returns the content of the file called path, and its FileInfo from before it was
// read.
func readFile(path string) ([]byte, os.FileInfo, error) {
	f, err := disk.OpenFile(path, os.O_RDONLY, 0) // it may be being replaced
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	b.Grow(int(info.Size()) + bytes.MinRead)
	_, err = io.Copy(&b, f)
	return b.Bytes(), info, err
}

// sameState reports whether a and b are of the same file, not written in between.
func sameState(a, b os.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

// check returns an error if the file is not the one that f was loaded from or
// saved to. The caller holds f.mu.
func (f *file) check() error {
	info, err := os.Stat(f.path)
	if err != nil || sameState(info, f.info) {
		return err
	}
	b, info, err := readFile(f.path)
	if err != nil {
		return err
	}
	if digestOf(b) != f.digest {
		return fmt.Errorf("%s was changed by another process since it was loaded", f.path)
	}
	f.info = info
	return nil
}

// replay makes the changes of the log that the file does not have. Load calls it.
func (f *file) replay(log []byte) error {
	l := &f.log
	if l.size == 0 {
		return nil
	}
	var err error
	if l.count, l.folded, err = survey(log, f.digest); err != nil {
		return fmt.Errorf("%s: %w", l.path, err)
	}
	if l.folded < 0 {
		return fmt.Errorf("%s was edited or replaced after the changes in %s were made: put it back as it was, or remove %[2]s, and its changes (%d) are lost",
			f.path, l.path, l.count)
	}
	n := 0
	for e, err := range entries(log) {
		if err != nil {
			return err
		}
		if e.isState() {
			continue
		}
		if n++; n <= l.folded {
			continue
		}
		if err := f.redo(&e); err != nil {
			return fmt.Errorf("%s: change %d: %w", l.path, n, err)
		}
	}
	return nil
}

// redo repeats a change.
func (f *file) redo(e *entry) error {
	n := lookup("Set-" + e.Noun)
	if n == nil {
		n = generic(e.Noun)
	}
	i, ok := f.byName[fold(e.User)]
	if !ok {
		return fmt.Errorf("no user %q", e.User)
	}
	u, err := n.set(n, f.users[i], e.parameters())
	if err != nil {
		return failure(&tenant.Cmdlet{Name: "Set-" + n.name, Identity: e.User}, err)
	}
	f.users[i] = u
	return nil
}
