package results

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Whatever others do to a file while it is written, be it cut, written to,
// removed or replaced, shows when it is synced and when it is closed, also if more
// is written behind it.
func TestFileNoticesOthers(t *testing.T) {
	for name, meddle := range map[string]func(name string) error{
		"nothing":      func(string) error { return nil },
		"emptied":      func(name string) error { return os.Truncate(name, 0) },
		"cut":          func(name string) error { return os.Truncate(name, 3) },
		"longer":       func(name string) error { return os.Truncate(name, 3000) },
		"removed":      os.Remove,
		"renamed":      func(name string) error { return os.Rename(name, name+".1") },
		"replaced":     func(name string) error { return replaceBy(name, "some text") },
		"copytruncate": func(name string) error { return copyTruncate(name) },
	} {
		for _, more := range []string{"", "and more"} {
			path := filepath.Join(t.TempDir(), "results.csv")
			f, err := createOutput(path, false)
			if err == nil {
				err = f.Begin()
			}
			if err == nil {
				_, err = io.WriteString(f, "some text")
			}
			if err == nil {
				err = f.Sync()
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := meddle(path); err != nil {
				t.Skip(err) // where open files can't be renamed
			}
			io.WriteString(f, more)
			if err := f.Sync(); (err == nil) != (name == "nothing") {
				t.Errorf("%s, %q written: Sync: %v", name, more, err)
			}
			if err := f.Close(); (err == nil) != (name == "nothing") {
				t.Errorf("%s, %q written: Close: %v", name, more, err)
			}
			if want := fmt.Sprintf("%x", sha256.Sum256([]byte("some text"+more))); f.SHA256() != want {
				t.Errorf("%s: SHA-256 %s, want that of what was written, %s", name, f.SHA256(), want)
			}
		}
	}
}

func replaceBy(name, text string) error {
	if err := os.Remove(name); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o600)
}

func copyTruncate(name string) error {
	b, err := os.ReadFile(name)
	if err == nil {
		err = os.WriteFile(name+".1", b, 0o600)
	}
	if err == nil {
		err = os.Truncate(name, 0)
	}
	return err
}

// A file that is made beside another is never made through a link.
func TestCreateBesideFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	victim, name := filepath.Join(dir, "victim"), filepath.Join(dir, "results.csv")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, beside := range []string{journalName(name) + ".new", journalName(name), SummaryName(name)} {
		if err := os.Symlink(victim, beside); err != nil {
			t.Skip(err)
		}
	}
	j := newJournal(name, Manifest{})
	if err := j.rewrite(); err != nil {
		t.Error(err)
	}
	j.close()
	if err := WriteSummary(name, &Outcome{Ending: Running, Manifest: Manifest{}.newID("")}); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(victim); err != nil || string(b) != "precious" {
		t.Errorf("the file that the links lead to has %q, %v", b, err)
	}
	if info, err := os.Lstat(journalName(name)); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the journal is no file of its own: %v, %v", info, err)
	}
}
