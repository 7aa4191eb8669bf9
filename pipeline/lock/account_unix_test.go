//go:build unix

package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is an account that is neither root nor, most likely, the one of these tests.
const nobody = 65534

// sharedDir returns a directory such as the machine's, which every account can reach.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "rollcall-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return dir
}

// as runs the test called name, in a process of another account, on the lock file
// at path, and returns what it says.
func as(t *testing.T, uid uint32, name, path string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be another account")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test binary is where that account can't reach it.
	copied := filepath.Join(filepath.Dir(path), "test-"+fmt.Sprint(os.Getpid()))
	b, err := os.ReadFile(program)
	if err == nil {
		err = os.WriteFile(copied, b, 0o755)
	}
	if err == nil {
		err = os.Chmod(copied, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(copied)
	cmd := exec.CommandContext(t.Context(), copied, "-test.run=^"+name+"$", "-test.v")
	cmd.Dir = filepath.Dir(path)
	cmd.Env = append(os.Environ(), "ACCOUNT_PATH="+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("as %d: %v", uid, err)
	}
	return string(out)
}

// TestAccountHelper is the other account: it tries to take a shared lock, and says
// what it is told.
func TestAccountHelper(t *testing.T) {
	path := os.Getenv("ACCOUNT_PATH")
	if path == "" {
		t.Skip("it is for other tests to start")
	}
	l, err := File{Path: path, What: "the tenant", Shared: true}.Acquire(t.Context(), "undo results.csv", 0)
	if err != nil {
		fmt.Println("refused:", err)
		return
	}
	fmt.Println("locked")
	l.Release()
}

// The lock of one account keeps others out, who are told whose it is, and it is
// theirs when it is free, whatever the umask under which it was made.
func TestAnotherAccount(t *testing.T) {
	f := File{Path: filepath.Join(sharedDir(t), "rollcall-1.lock"), What: "the tenant", Shared: true}
	old := syscall.Umask(0o077)
	l, err := f.Acquire(t.Context(), "apply users.csv", 0)
	syscall.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	out := as(t, nobody, "TestAccountHelper", f.Path)
	for _, want := range []string{"refused: the tenant is held by another run: ", fmt.Sprintf("pid %d ", os.Getpid()), ", user root, since ", "(apply users.csv)"} {
		if !strings.Contains(out, want) {
			t.Errorf("it says %q, want %q", out, want)
		}
	}
	l.Release()
	if out := as(t, nobody, "TestAccountHelper", f.Path); !strings.Contains(out, "locked\n") {
		t.Errorf("it says %q, want it to have the lock", out)
	}
	// And the other way round: a file of theirs is one for us.
	if err := os.Chown(f.Path, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	mustAcquire(t, f)
}

// A lock file that others can't open says so; the next run of its owner mends it.
func TestSpoiltMode(t *testing.T) {
	f := File{Path: filepath.Join(sharedDir(t), "rollcall-1.lock"), What: "the tenant", Shared: true}
	if err := os.WriteFile(f.Path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out := as(t, nobody, "TestAccountHelper", f.Path)
	if want := "refused: lock the tenant: open " + f.Path + ": permission denied (it is -rw-------, want -rw-rw-rw-)\n"; !strings.Contains(out, want) {
		t.Errorf("it says %q, want %q", out, want)
	}
	mustAcquire(t, f).Release()
	if out := as(t, nobody, "TestAccountHelper", f.Path); !strings.Contains(out, "locked\n") {
		t.Errorf("it says %q, want it to have the lock", out)
	}
}

// Nobody makes us write to another file than the lock's, by a link or a second name.
func TestAnotherFile(t *testing.T) {
	dir := sharedDir(t)
	precious, path := filepath.Join(dir, "precious"), filepath.Join(dir, "rollcall-1.lock")
	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, link := range []func(string, string) error{os.Symlink, os.Link} {
		if err := link(precious, path); err != nil {
			t.Fatal(err)
		}
		l, err := File{Path: path, What: "the tenant", Shared: true}.Acquire(t.Context(), "apply", 0)
		if err == nil {
			l.Release()
			t.Error("a link was locked")
		}
		if _, held := errors.AsType[*HeldError](err); held {
			t.Errorf("%v: want another error", err)
		}
		info, serr := os.Stat(precious)
		if b, rerr := os.ReadFile(precious); rerr != nil || serr != nil || string(b) != "precious" || info.Mode() != 0o600 {
			t.Errorf("the other file: %q, %v, %v", b, info.Mode(), rerr)
		}
		os.Remove(path)
	}
}

// A child that has the lock's file open holds the lock when its parent is killed,
// and those who are refused are told; the lock goes with it.
func TestOrphan(t *testing.T) {
	f := lockFile(t)
	cmd := startHolder(t, f, "LOCK_CHILD=1")
	cmd.Process.Kill()
	cmd.Wait()
	got := refusal(t, f)
	for _, want := range []string{fmt.Sprintf("pid %d ", cmd.Process.Pid), "; that process has ended, and one that it started is still at work"} {
		if !strings.Contains(got, want) {
			t.Errorf("refused with %q, want %q", got, want)
		}
	}
	b, err := os.ReadFile(f.Path + ".child")
	var child int
	if _, serr := fmt.Sscan(string(b), &child); err != nil || serr != nil {
		t.Fatal(err, serr)
	}
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	l, err := f.Acquire(t.Context(), "apply", waitForDeath)
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
}

// A lock that is released is free though a child still has its file open.
func TestReleaseWithChild(t *testing.T) {
	f := lockFile(t)
	l := mustAcquire(t, f)
	child := exec.CommandContext(t.Context(), "sleep", "600")
	child.ExtraFiles = []*os.File{l.File()}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	l.Release()
	mustAcquire(t, f)
}
