package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/pipeline"
)

// onScreen is a run of an apply that takes some seconds, on a terminal: of users, of
// whom the tenant knows but the first known.
type onScreen struct {
	*terminalScreen
	dir     string
	program string
	tenant  []string // the flags that name it
}

func applyOnScreen(t *testing.T, columns, users, known int, serve []string, args ...string) *onScreen {
	t.Helper()
	dir := t.TempDir()
	program, err := exec.LookPath("rollcall") // which is this one
	if err != nil {
		t.Fatal(err)
	}
	s := &onScreen{dir: dir, program: program}
	in, tenant := filepath.Join(dir, "users.csv"), filepath.Join(dir, "tenant.csv")
	writeRoster(t, in, users)
	writeRoster(t, tenant, known)
	endpoint, stop := startServer(t, s.program, append([]string{tenant}, serve...)...)
	t.Cleanup(func() { stop() })
	s.tenant = []string{"--tenant", "exchange", "--endpoint", endpoint, "--organization", organization}
	s.terminalScreen = onTerminal(t, columns, s.command(append([]string{"apply", in, "--privacy-mode", "opt-out"}, args...)...))
	return s
}

func (s *onScreen) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.program, append(args, s.tenant...)...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), tokenVariable+"=token-8d2f", "TERM=xterm", "XDG_STATE_HOME="+filepath.Join(s.dir, "state"), lockDirVariable+"="+s.dir)
	return cmd
}

// progressed is a progress line that has anything to say.
var progressed = regexp.MustCompile(`^ +\d+% .*\d+/\d+`)

// checkScreen fails the test unless each line that stays on the screen is a whole one,
// and of what has been drawn some is progress.
func (s *onScreen) checkScreen() {
	s.t.Helper()
	for line := range strings.Lines(s.text()) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "rollcall: ") && line != "" && line != "^C" && !strings.Contains(line, "[y/N]") {
			s.t.Errorf("garbled: %q in\n%s", line, s.text())
		}
		if strings.Contains(line, "% ") || strings.Contains(line, "█") {
			s.t.Errorf("what was drawn is left: %q", line)
		}
	}
	if n := s.progress(); n < 5 {
		s.t.Errorf("progress was drawn %d times: %q", n, s.redraws)
	}
}

// progress returns how often progress was drawn so far.
func (s *onScreen) progress() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.redraws {
		if progressed.MatchString(line) {
			n++
		}
	}
	return n
}

// drawn reports whether a line that matches was drawn, without the blanks at its
// end that a longer line before it needs.
func (s *onScreen) drawn(pattern string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.redraws {
		if regexp.MustCompile(pattern).MatchString(strings.TrimRight(line, " ")) {
			return true
		}
	}
	return false
}

// The progress line fits the terminal whatever the tenant does, with what is most
// wanted; and at the end the first who failed are named, with the command that tries
// them again.
func TestProgressLineFits(t *testing.T) {
	t.Parallel()
	for columns, wants := range map[int][]string{
		20:  {`^ +\d+%  \d+/120`},
		40:  {`^ +\d+%  \d+/120  \d+(\.\d)?/s  \d+s left`},
		60:  {`^ +\d+% █+ +\d+/120  \d+(\.\d)?/s  \d+s left`, `  \d+ failed  (throttled|waiting) \ds`},
		80:  {`^ +\d+% █+ +\d+/120  \d+(\.\d)?/s  \d+s left  (\d+ failed  )?throttled \ds`, `█.*  \d+ failed`},
		200: {`^ +\d+% █+ +\d+/120  .*  \d+ failed  throttled \ds  \(\d+ applied, \d+ not-found\)`},
	} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			s := applyOnScreen(t, columns, 120, 100, []string{"--latency", "20ms", "--rate", "40", "--burst", "10", "--retry-after", "1s"}, "--yes", "-o", "results.csv", "--workers", "3")
			if got := s.wait(); got != exitRows {
				t.Errorf("exit status %d", got)
			}
			s.checkScreen()
			for _, line := range s.redraws { // which leave room for the cursor, and for the ^C of who interrupts
				if n := len([]rune(line)); n > columns-len("^C")-1 {
					t.Errorf("%d of %d columns were drawn: %q", n, columns, line)
				}
			}
			for _, want := range wants {
				if !s.drawn(want) {
					t.Errorf("there was no line like %s in %q", want, s.redraws)
				}
			}
			text := s.text()
			if strings.Contains(text, pipeline.RowFailed) {
				t.Errorf("rows that failed are logged one by one beside the progress line:\n%s", text)
			}
			for _, want := range []string{"\nrollcall: failed:\nrollcall:   20 rows  not-found: ",
				" (first line 102: user0000100@contoso.onmicrosoft.com, line 103: user0000101@contoso.onmicrosoft.com, line 104: user0000102@contoso.onmicrosoft.com)\n",
				"\nrollcall: to try them again: rollcall apply results.csv --only not-found -o again.csv --workers 3 --tenant exchange "} {
				if !strings.Contains(text, want) {
					t.Errorf("there is no %q in\n%s", want, text)
				}
			}
			// That is a command to be given as it stands.
			again := exec.Command("sh", "-c", regexp.MustCompile(`to try them again: (.*)`).FindStringSubmatch(text)[1]+" --yes")
			again.Dir, again.Env = s.dir, s.command().Env
			out, _ := again.CombinedOutput()
			if got := again.ProcessState.ExitCode(); got != exitRows || !strings.Contains(string(out), "20 rows: 20 not-found") {
				t.Errorf("exit status %d: %s", got, out)
			}
		})
	}
}

// A terminal that becomes narrower, or wider, in the middle of a run has a progress
// line that fits it from then on.
func TestProgressLineFitsAResizedTerminal(t *testing.T) {
	t.Parallel()
	s := applyOnScreen(t, 120, 150, 150, []string{"--latency", "20ms"}, "--yes", "-o", "results.csv", "--rate", "40")
	for _, columns := range []int{50, 30, 150} {
		s.until("progress", func(text string) bool { return strings.Contains(text, "/150") })
		s.resize(columns)
		time.Sleep(1500 * time.Millisecond)
		s.mu.Lock()
		drawn := s.redraws[len(s.redraws)-1]
		s.mu.Unlock()
		if n := len([]rune(drawn)); n >= columns || n < min(columns/2, 40) {
			t.Errorf("on %d columns %d were drawn: %q", columns, n, drawn)
		}
	}
	if got := s.wait(); got != exitOK {
		t.Errorf("exit status %d", got)
	}
	s.checkScreen()
}

// While a run that was interrupted ends, the line says what it waits for.
func TestProgressLineWhileStopping(t *testing.T) {
	t.Parallel()
	for columns, want := range map[int]string{
		100: `^stopping: \d+ rows? in progress \(reading back, up to [3-8]s\); interrupt again to stop at once$`,
		60:  `^stopping: \d+ rows? in progress \(reading back, up to [3-8]s\)$`,
		40:  `^stopping: \d+ rows? in progress$`,
		15:  `^stopping: \d+$`,
	} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			t.Parallel()
			s := applyOnScreen(t, columns, 200, 200, []string{"--latency", "20ms", "--stale", "4s"}, "--yes", "-o", "results.csv", "--workers", "2", "--rate", "20", "--stop-timeout", "8s")
			s.until("progress", func(string) bool { return s.progress() > 10 }) // and rows that are read back again
			s.types("\x03")
			if got := s.wait(); got != exitInterrupted {
				t.Errorf("exit status %d", got)
			}
			if columns >= 40 {
				s.checkScreen()
			}
			if !s.drawn(want) {
				t.Errorf("there was no line like %s in %q", want, s.redraws)
			}
		})
	}
}

// The question is asked of a person, who sees where the record will be.
func TestQuestionOnATerminal(t *testing.T) {
	t.Parallel()
	s := applyOnScreen(t, 80, 3, 3, nil, "--quiet")
	s.until("the question", func(text string) bool { return strings.Contains(text, "[y/N] ") })
	s.types("n\n")
	if got := s.wait(); got != exitError {
		t.Errorf("exit status %d", got)
	}
	want := regexp.MustCompile(`Set PrivacyMode to opt-out for 3 users on the exchange tenant .*Record: apply-\d{8}-\d{6}Z\.csv\..* \[y/N\] `)
	if text := s.text(); !want.MatchString(text) || !strings.Contains(text, "not confirmed: nothing was changed") {
		t.Errorf("%s", text)
	}
}

// An interrupt is an answer too, and what is said of it stands below the question.
func TestInterruptAtTheQuestion(t *testing.T) {
	t.Parallel()
	s := applyOnScreen(t, 80, 3, 3, nil)
	s.until("the question", func(text string) bool { return strings.Contains(text, "[y/N] ") })
	s.types("\x03")
	if got := s.wait(); got != exitInterrupted {
		t.Errorf("exit status %d", got)
	}
	if text := s.text(); !regexp.MustCompile(`\[y/N\] (\^C)?\nrollcall: stopping; `).MatchString(text) || !strings.Contains(text, "\nrollcall: not confirmed: nothing was changed") {
		t.Errorf("%s", text)
	}
}

// Who is to type the users is told so.
func TestRosterFromATerminal(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("rollcall")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"check", "audit"} {
		s := onTerminal(t, 80, exec.Command(program, command, "-", "--privacy-mode", "opt-in"))
		s.until("what it waits for", func(text string) bool {
			return strings.Contains(text, "reading users from the terminal; Ctrl-D ends\n")
		})
		s.types("UPN\nmallory@contoso.com\n\x04")
		if got := s.wait(); got != exitOK {
			t.Errorf("%s: exit status %d: %s", command, got, s.text())
		}
	}
}

// An audit says below all differences, once more, which rows could not be read; where
// there is nothing between, once is enough.
func TestAuditOnATerminal(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("rollcall")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeRoster(t, filepath.Join(dir, "users.csv"), 40)
	writeRoster(t, filepath.Join(dir, "known.csv"), 38)
	for want, times := range map[string]int{"opt-out": 2, "opt-in": 1} {
		cmd := exec.Command(program, "audit", "users.csv", "--privacy-mode", want, "--tenant", "sandbox:known.csv", "--workers", "1")
		cmd.Dir = dir
		s := onTerminal(t, 80, cmd)
		if got := s.wait(); got != exitRows {
			t.Errorf("exit status %d", got)
		}
		text := s.text()
		if got := strings.Count(text, "user0000038@contoso.onmicrosoft.com  "); got != times {
			t.Errorf("%s: it is there %d times, want %d, in\n%s", want, got, times, text)
		}
		if times == 2 && !regexp.MustCompile(`(?s)~ user0000037@.*\n40 rows: 2 not-found, 38 differs\n.*\nrollcall: failed:\nrollcall:   line 40: user0000038@contoso.onmicrosoft.com  not-found: `).MatchString(text) {
			t.Errorf("not below the differences:\n%s", text)
		}
	}
}

// What get and set print on a terminal has no line that the terminal would wrap, and
// columns where they fit.
func TestUsersFitTheTerminal(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("rollcall")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		columns int
		args    []string
		want    string
	}{
		{60, []string{"get", "ada@contoso.com"}, "UserPrincipalName     ada@contoso.com\nPrivacyMode           opt-in\n"},
		{60, []string{"set", "ada@contoso.com", "--privacy-mode", "opt-out"}, "PrivacyMode                  opt-out\nPrivacyMode.Before           opt-in\n"},
		{100, []string{"get", "ada@contoso.com"}, "UserPrincipalName  PrivacyMode  IsDashboardEnabled"},
	} {
		s := onTerminal(t, test.columns, exec.Command(program, append(test.args, "--format", "text", "--quiet")...))
		if got := s.wait(); got != exitOK {
			t.Errorf("%q: exit status %d", test.args, got)
		}
		if text := s.text(); !strings.Contains(text, test.want) {
			t.Errorf("%q in %d columns: there is no %q in\n%s", test.args, test.columns, test.want, text)
		}
	}
}
