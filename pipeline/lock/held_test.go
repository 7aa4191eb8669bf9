package lock

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A lock is held from when it is taken until it is released, and to ask changes
// nothing: neither for who has it nor for who wants it.
func TestHeld(t *testing.T) {
	f := Results(filepath.Join(t.TempDir(), "results.csv"))
	if e := f.Held(); e != nil {
		t.Errorf("before: held by %v", e)
	}
	if _, err := os.Lstat(f.Path); err == nil {
		t.Error("to ask made the file")
	}
	l, err := f.Acquire(t.Context(), "apply users.csv", 0)
	if err != nil {
		t.Fatal(err)
	}
	if e := f.Held(); e == nil || e.Holder == nil || e.Holder.PID != os.Getpid() {
		t.Errorf("meanwhile: held by %v, want this process", e)
	}
	l.Release()
	if e := f.Held(); e != nil {
		t.Errorf("after: held by %v", e)
	}
	// What a run that was killed said of itself is no lock.
	newHolder("apply users.csv").write(mustOpen(t, f.Path))
	if e := f.Held(); e != nil {
		t.Errorf("after a kill: held by %v", e)
	}
	if l, err = f.Acquire(t.Context(), "apply users.csv", time.Second); err != nil {
		t.Fatal(err)
	}
	l.Release()
	if e := (File{}).Held(); e != nil {
		t.Errorf("nothing is held by %v", e)
	}
}

func mustOpen(t *testing.T, name string) *os.File {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
