package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// standInVariable names the directory of a shellStage. Of our environment a
// PowerShell is given a few variables only, and DOTNET_* are among them.
const standInVariable = "DOTNET_STANDIN_DIR"

// A shellStage is a directory through which a test and its stand-ins for PowerShell
// speak. They have one user, whose mode is the last line of the ledger.
type shellStage struct {
	t   *testing.T
	dir string
}

func newShellStage(t *testing.T) *shellStage {
	s := &shellStage{t, t.TempDir()}
	t.Setenv(standInVariable, s.dir)
	return s
}

// allow lets sets of that mode end: the ones that wait and those that come.
func (s *shellStage) allow(mode string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "allow "+mode), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// waiting waits until a set of that mode is under way, and returns the process
// that waits in it. The run whose set it is must not have ended before.
func (s *shellStage) waiting(mode string, ended <-chan struct{}) int {
	s.t.Helper()
	late := time.After(time.Minute)
	for {
		b, _ := os.ReadFile(filepath.Join(s.dir, "waiting "+mode))
		if pid, ok := strings.CutSuffix(string(b), "\n"); ok {
			n, err := strconv.Atoi(pid)
			if err != nil {
				s.t.Fatal(err)
			}
			return n
		}
		select {
		case <-ended:
			s.t.Fatalf("the run has ended without a set of %s", mode)
		case <-late:
			s.t.Fatalf("no set of %s after a minute", mode)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// ledger returns the modes that were set, in order.
func (s *shellStage) ledger() []string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "ledger"))
	return strings.Fields(string(b))
}

// standInShell is a PowerShell that speaks the bridge's side of the protocol (see
// tenant/powershell). A set that is under way goes on when its input has ended, as
// one of the module would.
func standInShell() {
	// Above all it must not outlive the test.
	time.AfterFunc(2*time.Minute, func() { os.Exit(9) })
	dir := os.Getenv(standInVariable)
	if dir == "" {
		fmt.Fprintf(os.Stderr, "no %s\n", standInVariable)
		os.Exit(8)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	in.Scan()
	lines, err := strconv.Atoi(in.Text())
	if err != nil {
		os.Exit(8)
	}
	for range lines {
		in.Scan()
	}
	nonce := ""
	for in.Scan() {
		var r struct {
			ID                      int
			Op, Nonce, Noun, Cmdlet string
			Parameters              []struct{ Name, Value string }
		}
		if json.Unmarshal(in.Bytes(), &r) != nil {
			os.Exit(7)
		}
		reply := ""
		switch {
		case r.Op == "=begin":
			nonce = r.Nonce[1:]
			reply = `,"powershell":"7.4.6","edition":"Core","modules":["3.5.0"]`
		case r.Op == "=import":
		case r.Op == "=connect":
			reply = `,"cmdlets":["Get-MyAnalyticsFeatureConfig","Set-MyAnalyticsFeatureConfig"],"account":"","tenantID":""`
		case r.Op != "=run":
			os.Exit(7)
		case strings.HasPrefix(r.Cmdlet, "=Set-"):
			reply = `,"warnings":[],"objects":[]`
			for _, p := range r.Parameters {
				if p.Name == "=PrivacyMode" {
					standInSet(dir, p.Value[1:])
				}
			}
		default:
			mode := "opt-in"
			if b, err := os.ReadFile(filepath.Join(dir, "ledger")); err == nil {
				modes := strings.Fields(string(b))
				mode = modes[len(modes)-1]
			}
			reply = fmt.Sprintf(`,"warnings":[],"objects":[{"PrivacyMode":%q,"IsDashboardEnabled":false,"IsAddInEnabled":false,"IsDigestEmailEnabled":false}]`, mode)
		}
		fmt.Printf("\n%s{\"id\":%d%s}\n", nonce, r.ID, reply)
	}
}

// standInSet waits until it may, and then sets the mode.
func standInSet(dir, mode string) {
	os.WriteFile(filepath.Join(dir, "waiting "+mode), fmt.Appendln(nil, os.Getpid()), 0o600)
	for {
		if _, err := os.Stat(filepath.Join(dir, "allow "+mode)); err == nil {
			break
		}
		<-time.After(5 * time.Millisecond)
	}
	f, err := os.OpenFile(filepath.Join(dir, "ledger"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		os.Exit(6)
	}
	fmt.Fprintln(f, mode)
	f.Close()
}
