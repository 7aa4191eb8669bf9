package disk

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// A file is there as a whole or not at all, and nothing is left beside it.
func TestReplace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "report.html")
	write := func(text string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			io.WriteString(w, text)
			return err
		}
	}
	broken := errors.New("broken")
	for _, tt := range []struct {
		overwrite bool
		write     func(io.Writer) error
		err       error
		has       string
	}{
		{false, write("half", broken), broken, ""},
		{false, write("one", nil), nil, "one"},
		{false, write("two", nil), ErrExists, "one"},
		{true, write("half", broken), broken, "one"},
		{true, write("two", nil), nil, "two"},
	} {
		if err := Replace(name, tt.overwrite, tt.write); !errors.Is(err, tt.err) {
			t.Errorf("%v, want %v", err, tt.err)
		}
		b, _ := os.ReadFile(name)
		if string(b) != tt.has {
			t.Errorf("file has %q, want %q", b, tt.has)
		}
		entries, _ := os.ReadDir(filepath.Dir(name))
		if want := min(1, len(tt.has)); len(entries) != want {
			t.Errorf("%d files, want %d", len(entries), want)
		}
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 && os.PathSeparator == '/' {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := CheckReplace(filepath.Dir(name), true); err == nil {
		t.Error("a directory could be replaced")
	}
	if err := CheckReplace(filepath.Join(name, "x"), true); err == nil {
		t.Error("a file could be made in one that is no directory")
	}
}

// What a link leads to is written, and the link stays.
func TestWriteFileFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	if err := WriteFile(link, 0o600, func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(target); string(b) != "new" {
		t.Errorf("the target has %q", b)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
}
