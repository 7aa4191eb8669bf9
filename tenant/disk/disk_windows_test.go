package disk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/windows"
)

// hold opens a file as another program might, which lets others read and write it
// and no more, until it is let go.
func hold(t *testing.T, name string) (letGo func()) {
	t.Helper()
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		t.Fatal(err)
	}
	h, err := windows.CreateFile(path, windows.GENERIC_READ, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return func() { windows.CloseHandle(h) }
}

// A file that somebody has open is renamed, replaced and removed as soon as they are
// done with it; if they are not, the error says so.
func TestHeld(t *testing.T) {
	for what, do := range map[string]func(held, other string) error{
		"renamed":  func(held, other string) error { return Rename(held, other) },
		"replaced": func(held, other string) error { return Rename(other, held) },
		"removed":  func(held, _ string) error { return Remove(held) },
		"found":    func(held, _ string) error { return CanReplace(held) },
	} {
		dir := t.TempDir()
		held, other := filepath.Join(dir, "held"), filepath.Join(dir, "other")
		for _, name := range []string{held, other} {
			if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		letGo := hold(t, held)
		if err := do(held, other); !errors.Is(err, ErrOpen) {
			t.Errorf("%s while it is open: %v, want %v", what, err, ErrOpen)
		}
		time.AfterFunc(patience/4, letGo)
		if err := do(held, other); err != nil {
			t.Errorf("%s, and let go meanwhile: %v", what, err)
		}
	}
}

// A file that can be replaced is found to be so, and so is one that is not there.
func TestCanReplace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := CanReplace(name); err != nil {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := CanReplace(name); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(name, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := CanReplace(name); err == nil {
		t.Error("a file that is read-only can be replaced")
	}
	os.Chmod(name, 0o600) // or it can't be removed either
}
