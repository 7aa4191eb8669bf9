package disk

import (
	"errors"
	"fmt"
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

// A file is replaced as a whole or left as it was, and nothing else is left.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "s.json")
	say := func(text string, err error) func(io.Writer) error {
		return func(w io.Writer) error { fmt.Fprint(w, text); return err }
	}
	for _, step := range []struct {
		err  error
		text string
		want string
	}{{nil, "one", "one"}, {io.ErrShortWrite, "two", "one"}, {nil, "three", "three"}} {
		if err := WriteFile(name, 0o600, say(step.text, step.err)); (err != nil) != (step.err != nil) {
			t.Errorf("error %v", err)
		}
		if got, _ := os.ReadFile(name); string(got) != step.want {
			t.Errorf("file is %q, want %q", got, step.want)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left %v", files)
	}
	if err := CanWriteFile(filepath.Join(dir, "no", "s.json")); err == nil {
		t.Error("could write to where there is no directory")
	}
	if err := CanWriteFile(dir); err == nil {
		t.Error("could write to a directory")
	}
}
