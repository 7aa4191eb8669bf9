package main

import (
	"io"
	"runtime"
)

// awaitsUsers says what the program waits for if it is to read the roster called name
// from a terminal.
func (a *app) awaitsUsers(name string) {
	if name != "-" || !isTerminal(a.in) {
		return
	}
	end := "Ctrl-D ends"
	if runtime.GOOS == "windows" {
		end = "Ctrl-Z and Enter end"
	}
	a.console.Remind("reading users from the terminal; %s", end)
}

// stdin returns standard input to read a roster from. On a terminal its end is the end
// once and for all, and not until somebody types again.
func (a *app) stdin() io.Reader {
	if isTerminal(a.in) {
		return &untilEOF{r: a.in}
	}
	return a.in
}

// untilEOF reads from r until its first error, which is then that of every Read.
type untilEOF struct {
	r   io.Reader
	err error
}

func (u *untilEOF) Read(b []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.r.Read(b)
	u.err = err
	return n, err
}
