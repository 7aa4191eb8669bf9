package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"golang.org/x/text/width"
)

// A terminalScreen is what a person sees of a program that runs on a terminal: a
// pseudoterminal of the system, and what such a window makes of what is written.
type terminalScreen struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	gone   chan struct{} // closed when the program has closed the terminal

	mu      sync.Mutex
	columns int
	before  int       // columns ahead of the last resize
	resized time.Time // when that was
	lines   []screenLine
	column  int
	pending []byte // of a sequence or a character that has not come as a whole
	drawing bool   // over what was there, until the line ends
	erased  bool   // the line was, just before
	redraws []string
}

// A screenLine is one line of the screen; a line that goes on in it was too long.
type screenLine struct {
	text      []rune
	continued bool
}

// onTerminal starts a program on a terminal that has so many columns.
func onTerminal(t *testing.T, columns int, cmd *exec.Cmd) *terminalScreen {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	s := &terminalScreen{t: t, master: master, cmd: cmd, gone: make(chan struct{}), lines: make([]screenLine, 1)}
	s.resize(columns)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); master.Close() })
	go s.watch()
	return s
}

// resize makes the terminal another number of columns wide. A line that is there and
// does not fit is cut, as it is in a window that does not wrap lines anew.
func (s *terminalScreen) resize(columns int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		s.t.Fatal(err)
	}
	s.before, s.columns, s.resized = s.columns, columns, time.Now()
}

// types has a person type text.
func (s *terminalScreen) types(text string) {
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Error(err)
	}
}

// wait waits for the program to end, and returns its exit status.
func (s *terminalScreen) wait() int {
	s.t.Helper()
	select {
	case <-s.gone:
	case <-time.After(2 * time.Minute):
		s.t.Fatalf("it goes on and on:\n%s", s.text())
	}
	s.cmd.Wait()
	return s.cmd.ProcessState.ExitCode()
}

// text returns all that is on the screen and above it, where lines that were too long
// for it are one.
func (s *terminalScreen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for i, line := range s.lines {
		if i > 0 && !line.continued {
			b.WriteByte('\n')
		}
		b.WriteString(string(line.text))
	}
	return b.String()
}

// until waits until ok says so of what is on the screen.
func (s *terminalScreen) until(what string, ok func(text string) bool) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		text := s.text()
		if ok(text) {
			return
		}
		select {
		case <-s.gone:
			s.t.Fatalf("it ended, and there was not %s:\n%s", what, text)
		default:
		}
		if time.Now().After(end) {
			s.t.Fatalf("there is not %s:\n%s", what, text)
		}
	}
}

func (s *terminalScreen) watch() {
	defer close(s.gone)
	buf := make([]byte, 4096)
	for {
		n, err := s.master.Read(buf)
		s.mu.Lock()
		s.pending = append(s.pending, buf[:n]...)
		for s.step() {
		}
		s.mu.Unlock()
		if err != nil {
			if !errors.Is(err, syscall.EIO) && !errors.Is(err, os.ErrClosed) {
				s.t.Error(err)
			}
			return
		}
	}
}

// step does what the next character or sequence says, and reports whether there was a
// whole one.
func (s *terminalScreen) step() bool {
	line := &s.lines[len(s.lines)-1]
	switch {
	case len(s.pending) == 0:
		return false
	case s.pending[0] == '\x1b':
		end := strings.IndexFunc(string(s.pending), func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' })
		if end < 0 {
			return false
		}
		switch sequence := string(s.pending[1 : end+1]); sequence {
		case "[K", "[0K":
			line.text = line.text[:min(s.column, len(line.text))]
			if s.drawing {
				s.redraws = append(s.redraws, string(line.text))
			}
		case "[2K":
			line.text, s.erased = nil, true
		default:
			if !strings.HasSuffix(sequence, "m") { // colors
				s.t.Errorf("a sequence that nobody needs: %q", sequence)
			}
		}
		s.pending = s.pending[end+1:]
		return true
	case s.pending[0] == '\r':
		s.column, s.drawing = 0, !s.erased
		s.erased = false
		s.pending = s.pending[1:]
		return true
	case s.pending[0] == '\n':
		s.lines = append(s.lines, screenLine{})
		s.column, s.drawing, s.erased = 0, false, false
		s.pending = s.pending[1:]
		return true
	case !utf8.FullRune(s.pending):
		return false
	}
	r, size := utf8.DecodeRune(s.pending)
	s.pending = s.pending[size:]
	s.put(r)
	return true
}

// put shows r where the cursor is.
func (s *terminalScreen) put(r rune) {
	if r < ' ' || r == utf8.RuneError || 0x7f <= r && r < 0xa0 {
		s.t.Errorf("a control character on the terminal: %q", r)
	}
	wide := 1
	if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
		wide = 2
	}
	columns := s.columns
	if time.Since(s.resized) < time.Second { // it may have been written for the columns that there were
		columns = max(columns, s.before)
	}
	if s.column+wide > columns {
		if s.drawing {
			s.t.Errorf("a redraw is wider than the %d columns of the terminal: %q", columns, string(s.lines[len(s.lines)-1].text)+string(r))
		}
		s.lines = append(s.lines, screenLine{continued: true})
		s.column = 0
	}
	line := &s.lines[len(s.lines)-1]
	for range wide {
		if s.column < len(line.text) {
			line.text[s.column] = r
		} else {
			line.text = append(line.text, r)
		}
		s.column++
		r = 0 // the other half of a wide one
	}
}
