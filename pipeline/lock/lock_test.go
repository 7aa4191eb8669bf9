package lock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// named returns the lock file at path, of results.csv.
func named(path string) File { return File{Path: path, What: "results.csv"} }

// mustAcquire takes a lock that is free.
func mustAcquire(t *testing.T, f File) *Lock {
	t.Helper()
	l, err := f.Acquire(t.Context(), "apply users.csv", 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Release)
	return l
}

// refusal tries to take a lock that is held, and returns what it is told.
func refusal(t *testing.T, f File) string {
	t.Helper()
	l, err := f.Acquire(t.Context(), "apply users.csv", 0)
	if _, ok := errors.AsType[*HeldError](err); !ok || l != nil {
		l.Release()
		t.Fatalf("acquire of a lock that is held: %v, %v; want a HeldError", l, err)
	}
	return err.Error()
}

// waitForDeath bounds the wait for what was killed to be gone.
const waitForDeath = 10 * time.Second

func lockFile(t *testing.T) File { return named(filepath.Join(t.TempDir(), "results.csv.lock")) }

// A lock that is held is refused, with its holder named; released, it is free, and
// its file is empty.
func TestLock(t *testing.T) {
	f := lockFile(t)
	l := mustAcquire(t, f)
	if info, err := os.Stat(f.Path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the lock file: %v, %v; want it for its owner alone", info.Mode(), err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	account, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(fmt.Sprintf(`^results\.csv is held by another run: pid %d on host %s, user %s, since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(apply users.csv\)$`,
		os.Getpid(), regexp.QuoteMeta(host), regexp.QuoteMeta(account.Username)))
	if got := refusal(t, f); !want.MatchString(got) {
		t.Errorf("refused with %q, want %s", got, want)
	}
	l.Release()
	if b, err := os.ReadFile(f.Path); err != nil || len(b) > 0 {
		t.Errorf("the lock file after release: %q, %v; want it to be empty", b, err)
	}
	l.Release()
	l.Progress(1)
	next := mustAcquire(t, f)
	l.Release()
	refusal(t, f)
	next.Release()
	mustAcquire(t, f)
}

// A holder is known by its command, whatever the file can't hold or show of that.
func TestHeldBy(t *testing.T) {
	for _, command := range []string{"apply users.csv", "apply mes\u00a0utilisateurs.csv", "apply a\tb.csv", "apply \xff.csv", strings.Repeat("é", maxText)} {
		f := lockFile(t)
		l, err := f.Acquire(t.Context(), command, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Release()
		if held := f.Held(); !held.IsBy(command) || held.IsBy("undo users.csv") {
			t.Errorf("of %q it is said: %v", command, held)
		}
	}
}

// What is no results file has no lock, and no lock is as good as any.
func TestNoLock(t *testing.T) {
	if got := Results(os.DevNull); got != (File{}) {
		t.Errorf("Results(%q) = %v, want none", os.DevNull, got)
	}
	l, err := File{}.Acquire(t.Context(), "apply", 0)
	if err != nil {
		t.Fatal(err)
	}
	l.Progress(1)
	if l.File() != nil {
		t.Error("no lock has a file")
	}
	l.Release()
}

// What a holder has done shows up within seconds, not with every call.
func TestLockProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := lockFile(t)
		l := mustAcquire(t, f)
		for _, step := range []struct {
			after time.Duration
			rows  int
			want  string
		}{
			{updateEvery / 2, 0, ""}, // nothing, rather than that it is none
			{0, 7, "at least 7 rows done"},
			{updateEvery - 1, 8, "at least 7 rows done"},
			{1, 1234, "at least 1234 rows done"},
			{updateEvery / 2, 5678, "at least 1234 rows done"},
			{time.Hour, 1, "at least 1 row done"}, // shorter than what was there
		} {
			<-time.After(step.after)
			l.Progress(step.rows)
			if got := refusal(t, f); !strings.Contains(got, ", "+step.want+" (") && step.want != "" || strings.Contains(got, "done") != (step.want != "") {
				t.Errorf("after %d rows: %q, want %q", step.rows, got, step.want)
			}
		}
	})
}

// A wait ends with the lock, when it has lasted as long as it may, or when it is
// told to stop, and not later.
func TestLockWait(t *testing.T) {
	for _, test := range []struct {
		name                        string
		wait, releaseAt, stopAt, at time.Duration
		held                        bool
	}{
		{"no wait", 0, time.Second, time.Hour, 0, true},
		{"negative", -time.Second, time.Second, time.Hour, 0, true},
		{"released", time.Minute, 450 * time.Millisecond, time.Hour, 600 * time.Millisecond, false},
		{"released at the end", 500 * time.Millisecond, 450 * time.Millisecond, time.Hour, 500 * time.Millisecond, false},
		{"not released", 1500 * time.Millisecond, time.Hour, 2 * time.Hour, 1500 * time.Millisecond, true},
		{"stopped", time.Hour, 2 * time.Hour, 333 * time.Millisecond, 333 * time.Millisecond, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := lockFile(t)
				holder := mustAcquire(t, f)
				time.AfterFunc(test.releaseAt, holder.Release)
				ctx, cancel := context.WithTimeout(t.Context(), test.stopAt)
				defer cancel()
				start := time.Now()
				l, err := f.Acquire(ctx, "apply", test.wait)
				if at := time.Since(start); at != test.at {
					t.Errorf("acquire took %v, want %v", at, test.at)
				}
				if _, held := errors.AsType[*HeldError](err); held != test.held || !held && err != nil {
					t.Errorf("acquire: %v, want held %v", err, test.held)
				}
				l.Release()
			})
		})
	}
}

// However often a lock changes hands, between goroutines and processes, while its
// file is removed again and again, nobody has it together with another, and nobody
// is refused for any other reason.
func TestLockHasOneHolder(t *testing.T) {
	dir := t.TempDir()
	path, witness := filepath.Join(dir, "results.csv.lock"), filepath.Join(dir, "witness")
	rounds := 30
	if testing.Short() {
		rounds = 10
	}
	var helpers []*exec.Cmd
	for range 3 {
		cmd := lockHelper(t, "LOCK_PATH="+path, "LOCK_WITNESS="+witness, fmt.Sprint("LOCK_ROUNDS=", rounds))
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		helpers = append(helpers, cmd)
	}
	var holders atomic.Int32
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			err := hammer(path, witness, rounds, func() {
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d holders at once", n)
				}
				runtime.Gosched()
				holders.Add(-1)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for _, cmd := range helpers {
		if err := cmd.Wait(); err != nil {
			t.Errorf("another process: %v", err)
		}
	}
}

// hammer takes and releases a lock so many times. While it has it, it makes a file
// called witness, which fails if another has the lock too.
func hammer(path, witness string, rounds int, inside func()) error {
	for done := 0; done < rounds; {
		l, err := named(path).Acquire(context.Background(), "apply", 0)
		if _, ok := errors.AsType[*HeldError](err); ok {
			runtime.Gosched()
			continue
		}
		if err != nil {
			return err
		}
		f, err := os.OpenFile(witness, os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("two holders: %w", err)
		}
		inside()
		f.Close()
		if err := os.Remove(witness); err != nil {
			return fmt.Errorf("two holders: %w", err)
		}
		if done%3 == 0 { // what others have opened meanwhile is no lock
			os.Remove(path)
		}
		l.Release()
		done++
	}
	return nil
}

// lockHelper returns a command that runs this program's TestLockHelper in a
// process of its own.
func lockHelper(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestLockHelper$")
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// TestLockHelper is the other process of these tests. It takes a lock and stays,
// or it takes and releases it again and again.
func TestLockHelper(t *testing.T) {
	path := os.Getenv("LOCK_PATH")
	if path == "" {
		t.Skip("it is for other tests to start")
	}
	if witness := os.Getenv("LOCK_WITNESS"); witness != "" {
		var rounds int
		if _, err := fmt.Sscan(os.Getenv("LOCK_ROUNDS"), &rounds); err != nil {
			t.Fatal(err)
		}
		if err := hammer(path, witness, rounds, func() {}); err != nil {
			t.Fatal(err)
		}
		return
	}
	l := mustAcquire(t, File{Path: path, What: "it", Shared: os.Getenv("LOCK_SHARED") != ""})
	if os.Getenv("LOCK_CHILD") != "" {
		child := exec.Command("sleep", "600")
		child.ExtraFiles = []*os.File{l.File()}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".child", fmt.Append(nil, child.Process.Pid), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("locked")
	bufio.NewReader(os.Stdin).ReadByte() // until it is killed, or its parent is gone
	l.Release()
}

// startHolder starts a process that takes the lock and stays, with more in its
// environment, and returns when it has the lock.
func startHolder(t *testing.T, f File, env ...string) *exec.Cmd {
	t.Helper()
	cmd := lockHelper(t, append(env, "LOCK_PATH="+f.Path)...)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "locked\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	return cmd
}

// Another process that has the lock is named; once it is killed the lock is free,
// whatever its file says.
func TestLockOfTheDead(t *testing.T) {
	f := lockFile(t)
	cmd := startHolder(t, f)
	pid := fmt.Sprintf(": pid %d on host ", cmd.Process.Pid)
	if got := refusal(t, f); !strings.Contains(got, pid) {
		t.Errorf("refused with %q, want %q in it", got, pid)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if b, err := os.ReadFile(f.Path); err != nil || len(b) == 0 {
		t.Errorf("the lock file of the dead: %q, %v; want what it said", b, err)
	}
	l := mustAcquire(t, f)
	own := fmt.Sprintf(": pid %d on host ", os.Getpid())
	if got := refusal(t, f); !strings.Contains(got, own) {
		t.Errorf("refused with %q, want %q in it", got, own)
	}
	l.Release()
}

// A holder's file that can't be made out costs the details and nothing else; what
// it says never reaches a terminal as it is.
func TestLockFileOfGarbage(t *testing.T) {
	const since = `"since":"2026-11-22T01:02:03Z"`
	for _, test := range []struct{ says, want string }{
		{"", ""},
		{"garbage", ""},
		{"{", ""},
		{"null", ""},
		{`[1,2,3]`, ""},
		{`{"pid":4711,"host":"build7",` + since + `,"rows":12`, ""},
		{`{"pid":"4711","host":"build7",` + since + `,"rows":1234}`, ""},
		{`{"pid":4711,"host":"build7","since":"yesterday","rows":1234}`, ""},
		{`{"pid":4711,"host":"build7","rows":1234}`, ""},
		{`{"pid":0,"host":"build7",` + since + `,"rows":1234}`, ""},
		{`{"pid":4711,"host":"build7",` + since + `,"rows":-1}`, ""},
		{`{"pid":4711,"host":"` + strings.Repeat("x", 256) + `",` + since + `,"rows":1}`, ""},
		{strings.Repeat(" ", 1<<20) + `{"pid":4711,"host":"build7",` + since + `,"rows":1234}`, ""},
		{strings.Repeat("\x00", 100), ""},
		{`{"pid":4711,"user":"` + strings.Repeat("x", 256) + `",` + since + `,"rows":1}`, ""},
		{`{"pid":4711,"user":"ada",` + since + `,"rows":1,"command":"\u001b[2Japply"}`, `: pid 4711, user ada, since 2026-11-22T01:02:03Z, at least 1 row done ("\x1b[2Japply")`},
		{`{"pid":4711,"host":"build7",` + since + `,"rows":1234}`, ": pid 4711 on host build7, since 2026-11-22T01:02:03Z, at least 1234 rows done"},
		{`{"pid":4711,"host":"build7",` + since + `,"rows":1}` + "\n34}\n", ": pid 4711 on host build7, since 2026-11-22T01:02:03Z, at least 1 row done"},
		{`{"pid":4711,` + since + `,"rows":1234}`, ": pid 4711, since 2026-11-22T01:02:03Z, at least 1234 rows done"},
		{`{"pid":4711,"host":"\u001b[31m\n",` + since + `,"rows":1234}`, `: pid 4711 on host "\x1b[31m\n", since 2026-11-22T01:02:03Z, at least 1234 rows done`},
	} {
		f := lockFile(t)
		if err := os.WriteFile(f.Path, []byte(test.says), 0o600); err != nil {
			t.Fatal(err)
		}
		l := mustAcquire(t, f) // it is nobody's
		if info, err := os.Stat(f.Path); err != nil || info.Size() > 500 {
			t.Errorf("%.100q: it is still there when the lock is taken", test.says)
		}
		l.file.Truncate(0)
		if _, err := l.file.WriteAt([]byte(test.says), 0); err != nil {
			t.Fatal(err)
		}
		if got, want := refusal(t, f), "results.csv is held by another run"+test.want; got != want {
			t.Errorf("%.100q: refused with %q, want %q", test.says, got, want)
		}
		l.Release()
	}
}

// What stands in the way of a lock is an error that names what was to be locked,
// and is not another run.
func TestLockErrors(t *testing.T) {
	dir := t.TempDir()
	join := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(join("file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dir.lock", "readonly"} {
		if err := os.Mkdir(join(name), 0o500); err != nil {
			t.Fatal(err)
		}
	}
	paths := []string{join("vanished/results.csv.lock"), join("file/results.csv.lock"), join("dir.lock")}
	if runtime.GOOS != "windows" && os.Geteuid() != 0 { // root may write anywhere
		paths = append(paths, join("readonly/results.csv.lock"))
	}
	if os.Symlink(join("nowhere"), join("dangling.lock")) == nil && os.Symlink(join("file"), join("link.lock")) == nil {
		paths = append(paths, join("dangling.lock"), join("link.lock"))
	}
	for _, path := range paths {
		l, err := named(path).Acquire(t.Context(), "apply", time.Hour)
		if l != nil || err == nil || !strings.HasPrefix(err.Error(), "lock results.csv: ") {
			t.Errorf("Acquire(%s): %v, %v", path, l, err)
			continue
		}
		if filepath.Dir(path) == dir && !strings.HasSuffix(err.Error(), path+" is not a regular file") {
			t.Errorf("Acquire(%s): %v, want it to say that it is not a regular file", path, err)
		}
		if _, ok := errors.AsType[*HeldError](err); ok {
			t.Errorf("Acquire(%s): %v, want another error", path, err)
		}
	}
	if _, err := os.Lstat(join("nowhere")); err == nil {
		t.Error("a lock was made where a link led")
	}
	if b, err := os.ReadFile(join("file")); err != nil || len(b) > 0 {
		t.Errorf("the file that a link led to: %q, %v; want it as it was", b, err)
	}
}

// Two names of one results file, there or not, are one lock, beside the file.
func TestResultsLockThroughLinks(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	join := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	for _, name := range []string{"real/deep", "elsewhere"} {
		if err := os.MkdirAll(join(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"linked":           "real",
		"deep":             join("real/deep"),
		"elsewhere/abs":    join("real/results.csv"),
		"elsewhere/rel":    "../real/results.csv",
		"elsewhere/twice":  "rel",
		"elsewhere/dotted": "../deep/../results.csv", // which is not ../results.csv
	} {
		if err := os.Symlink(filepath.FromSlash(target), join(link)); err != nil {
			t.Skip(err)
		}
	}
	t.Chdir(join("real"))
	for _, there := range []bool{false, true} {
		if there {
			if err := os.WriteFile(join("real/results.csv"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"real/results.csv", "linked/results.csv", "elsewhere/abs", "elsewhere/rel", "elsewhere/twice", "elsewhere/dotted"} {
			if got, want := Results(join(name)).Path, join("real/results.csv.lock"); got != want {
				t.Errorf("there %v: Results(%s) = %s, want %s", there, name, got, want)
			}
		}
		l := mustAcquire(t, Results("results.csv"))
		refusal(t, Results(join("elsewhere/twice")))
		l.Release()
	}
}
