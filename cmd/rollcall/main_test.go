package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// lockDirVariable keeps the tenants' locks of these tests out of the machine's
// directory.
const lockDirVariable = "ROLLCALL_LOCK_DIR"

func TestMain(m *testing.M) {
	if _, ok := os.LookupEnv(lockDirVariable); !ok {
		dir := filepath.Join(os.TempDir(), "rollcall-test-locks")
		os.Mkdir(dir, 0o700)
		os.Setenv(lockDirVariable, dir)
		os.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state")) // each server has a port of its own
	}
	// Most of them wait, for processes and for moments between tries: they are more
	// than the cores. -parallel still says otherwise.
	flag.Set("test.parallel", "12")
	commands := map[string]func(){"rollcall": overheard, "standin-pwsh": standInShell, "copy-csv": copyCSV}
	if terminal != nil {
		commands["terminal"] = terminal
	}
	testscript.Main(allTests{m}, commands)
}

// programs is the directory of the program that buildProgram builds, as long as tests
// run.
var programs string

type allTests struct{ m *testing.M }

func (t allTests) Run() int {
	dir, err := os.MkdirTemp("", "rollcall-test-program-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	programs = dir
	return t.m.Run()
}

// The scripts run the program as its users do. Beside testscript's commands they
// have
//
//	exits N rollcall ARGS...   run it, and fail unless it exits with status N
//	users N FILE               write a roster of N users
//	serve ARGS...              start a sandbox server in a process of its own,
//	                           and set ENDPOINT
//	key FILE CERTIFICATE       write a key with its certificate, and the certificate
//	served FILE [LOG]          interrupt it, and write its counts to FILE, and to
//	                           LOG what it said on standard error
//	lines N FILE [PATTERN]     fail unless FILE has N lines (that contain PATTERN)
//	listen FILE                serve HTTP, set PING to the address, and write each
//	                           request to FILE
//	workbook FILE CSV...       write an Excel workbook with a sheet for each CSV file
//	until FILE N               wait until FILE has N lines
//	edit FROM TO PATTERN TEXT
//	                           write FROM to TO with TEXT for what matches PATTERN,
//	                           in which $1 is the first group and ^ begins a line
//	agree RESULTS COUNTS       fail unless as many rows were applied as the
//	                           server's counts have users set
//	interrupted N TIMES FILE LINES rollcall ARGS...
//	                           run it, interrupt it (terminate it, if N is 143)
//	                           once FILE has so many lines, as often as TIMES
//	                           says, and fail unless it exits with status N;
//	                           what it says goes to the file said.txt
//	service NAME serve|work ARGS...
//	                           start fleet serve, and set ROLLCALL_SERVER, or
//	                           fleet work, in a process of its own
//	end NAME SIGNAL N          end it, and fail unless it exits with status N;
//	                           what it said goes to the file said.txt
//	health NAME PATH N FILE    ask its --metrics-listen for PATH, fail unless the
//	                           status is N, and write the answer to FILE
//	said NAME PATTERN          wait until what it said matches PATTERN
//	shown PATTERN rollcall ARGS...
//	                           run it again and again, until what it prints
//	                           matches PATTERN
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/scripts",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("ORG", "11111111-2222-3333-4444-555555555555")
			env.Setenv("NOFILE", noFile())
			env.Setenv(lockDirVariable, filepath.Join(env.WorkDir, ".tmp"))
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, ".tmp", "state"))
			env.Values["server"] = new(serveProcess)
			env.Values["services"] = make(services)
			if err := givePowerShell(env); err != nil {
				return err
			}
			return noSecrets(env)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":       exits,
			"users":       makeUsers,
			"serve":       serve,
			"served":      served,
			"key":         makeKey,
			"append":      appendTo,
			"edit":        edit,
			"lines":       lines,
			"agree":       agree,
			"until":       until,
			"interrupted": interrupted,
			"listen":      listen,
			"workbook":    makeWorkbook,
			"service":     fleetService,
			"end":         endService,
			"health":      health,
			"said":        said,
			"shown":       shown,
		},
	})
}

// givePowerShell has a script find the stand-in for Microsoft's module, and what
// a pwsh has unpacked of itself.
func givePowerShell(env *testscript.Env) error {
	modules, err := filepath.Abs("../../tenant/powershell/testdata")
	if err != nil {
		return err
	}
	env.Setenv("MODULES", modules)
	if cache, err := os.UserCacheDir(); err == nil {
		env.Setenv("XDG_CACHE_HOME", cache)
	}
	return nil
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil || len(args) < 2 {
		ts.Fatalf("usage: exits N command ...")
	}
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if e, ok := err.(*exec.ExitError); ok {
		got = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func makeUsers(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var b bytes.Buffer
	fmt.Fprintln(&b, "UserPrincipalName,UsageLocation")
	for i := range n {
		fmt.Fprintf(&b, "user%d@contoso.onmicrosoft.com,FR\n", i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b.Bytes(), 0o600))
}

// A serveProcess is a rollcall sandbox serve in a process of its own.
type serveProcess struct {
	*running
	out    *bufio.Reader
	stderr bytes.Buffer
}

func serve(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("server").(*serveProcess)
	program, err := exec.LookPath("rollcall")
	ts.Check(err)
	*s = serveProcess{}
	cmd := exec.Command(program, append([]string{"sandbox", "serve"}, args...)...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = environment(ts)
	cmd.Stderr = &s.stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	s.running, err = startRunning(cmd)
	ts.Check(err)
	ts.Defer(s.running.kill)
	s.out = bufio.NewReader(out)
	address, err := s.out.ReadString('\n')
	ts.Check(err)
	ts.Setenv("ENDPOINT", strings.TrimSpace(address))
}

func served(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("server").(*serveProcess)
	ts.Check(s.interrupt())
	counts, err := io.ReadAll(s.out)
	ts.Check(err)
	s.cmd.Wait()
	ts.Logf("%s", s.stderr.Bytes())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), counts, 0o600))
	if len(args) > 1 {
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), s.stderr.Bytes(), 0o600))
	}
}

// environment returns what a script's programs have to know of its environment.
func environment(ts *testscript.TestScript) []string {
	env := os.Environ()
	for _, name := range []string{tokenVariable, "AZURE_CLIENT_SECRET", saidVariable, "PSModulePath", "TMPDIR"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

func appendTo(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY|os.O_APPEND, 0)
	ts.Check(err)
	defer f.Close()
	_, err = f.WriteString(strings.TrimSuffix(ts.ReadFile(args[1]), "\n"))
	ts.Check(err)
}

func edit(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile("(?m)" + args[2])
	ts.Check(err)
	text := pattern.ReplaceAllString(ts.ReadFile(args[0]), args[3])
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

func lines(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := countLines(ts, args[1], args[2:]...)
	if (got == want) == neg {
		ts.Fatalf("%s has %d lines", strings.Join(args[1:], " "), got)
	}
}

// countLines counts the lines of a file that contain a pattern.
func countLines(ts *testscript.TestScript, name string, pattern ...string) int {
	n := 0
	for line := range strings.Lines(ts.ReadFile(name)) {
		if strings.HasSuffix(line, "\n") && (len(pattern) == 0 || strings.Contains(line, pattern[0])) {
			n++
		}
	}
	return n
}

func until(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	for end := time.Now().Add(time.Minute); ; {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil && countLines(ts, args[0]) >= n {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s has no %d lines after a minute", args[0], n)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func agree(ts *testscript.TestScript, _ bool, args []string) {
	applied := countLines(ts, args[0], ",applied,")
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		if n, ok := strings.CutSuffix(line, "  users set\n"); ok {
			if set, err := strconv.Atoi(strings.TrimSpace(n)); err != nil || set != applied {
				ts.Fatalf("%s has %d rows applied, the server has%s users set", args[0], applied, n)
			}
			return
		}
	}
	ts.Fatalf("%s does not say how many users were set", args[1])
}

func interrupted(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	times, err := strconv.Atoi(args[1])
	ts.Check(err)
	atLeast, err := strconv.Atoi(args[3])
	ts.Check(err)
	program, err := exec.LookPath(args[4])
	ts.Check(err)
	cmd := exec.Command(program, args[5:]...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = environment(ts)
	var said bytes.Buffer
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	run, err := startRunning(cmd)
	ts.Check(err)
	ts.Defer(run.kill)
	signal := run.interrupt
	if want == exitTerminated {
		signal = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(stderr); in.Scan(); {
			lines <- in.Text()
		}
	}()

	for {
		if _, err := os.Stat(ts.MkAbs(args[2])); err == nil && countLines(ts, args[2]) >= atLeast {
			break
		}
		select {
		case line, ok := <-lines:
			if !ok {
				ts.Fatalf("ended before %s had %d lines: %s", args[2], atLeast, said.Bytes())
			}
			said.WriteString(line + "\n")
		case <-time.After(5 * time.Millisecond):
		}
	}
	// Each is answered before the next is sent: two that are under way at once
	// may come as one.
	for range times {
		ts.Check(signal())
		for line := range lines {
			said.WriteString(line + "\n")
			if strings.Contains(line, "interrupt again") {
				break
			}
		}
	}
	for line := range lines {
		said.WriteString(line + "\n")
	}
	cmd.Wait()
	ts.Logf("%s", said.Bytes())
	ts.Check(os.WriteFile(ts.MkAbs("said.txt"), said.Bytes(), 0o600))
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}
