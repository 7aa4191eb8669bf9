// Command rollcall changes a setting of every user of a CSV file on a Microsoft
// 365 tenant, reads it back, and records what became of each.
//
// Each command has a file. The work is done in other packages: pipeline makes the run,
// tenant calls the tenant, report shows the results. This package has the flags, builds
// a job from them, and decides the exit status.
package main

import (
	"errors"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // for --time-zone on systems that have no zones, such as Windows and an image

	"golang.org/x/term"

	"rollcall/report"
)

// Exit statuses.
const (
	exitOK          = 0
	exitError       = 1 // the run could not be carried out
	exitUsage       = 2 // the command line is wrong
	exitRows        = 3 // carried out, and some rows failed
	exitDiffers     = 4 // audit: something differs
	exitGuard       = 5 // a guard stopped it
	exitHeld        = 6 // another run holds the results file or the tenant
	exitInterrupted = 130
	exitTerminated  = 143
)

func main() {
	// A write to a closed pipe must be an error like any other and not kill the process.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// An app is one execution of the program.
type app struct {
	in       io.Reader
	out, err io.Writer
	console  *report.Console
	args     []string
	profile  profileFlags
	began    bool   // the command line has been understood
	goodbye  string // the last line on standard error, or ""

	unprinted error // why help could not be printed, or nil
}

// run executes the program and returns its exit status. Nothing else exits.
func run(args []string, in io.Reader, out, stderr io.Writer) int {
	// net/http writes there what a server sent that is no reply, which may hold the token.
	log.SetOutput(io.Discard)
	a := &app{args: args, in: in, out: out, err: stderr, console: report.NewConsole(stderr)}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(stderr)
	completion(root)
	if len(args) > 0 && strings.HasPrefix(args[0], "__") { // a shell that completes
		a.completes(root)
		plain(root)
	}
	err := checkDashes(root, args)
	if err == nil {
		err = root.Execute()
	}
	if err == nil && a.unprinted != nil {
		err = &exit{status: exitError, err: a.unprinted}
	}
	status := statusOf(err)
	if _, ok := errors.AsType[*exit](err); err != nil && !ok && !a.began {
		status = exitUsage
	}
	if status != exitOK {
		a.console.Break()
	}
	a.explainEnd(err)
	if a.goodbye != "" {
		a.console.Say("%s", a.goodbye)
	}
	return status
}

// explainEnd prints err, why the program ends, and what to do about it.
func (a *app) explainEnd(err error) {
	if text := message(err); text != "" {
		a.console.Fail("%s", text)
	}
	if hint := hint(err); hint != "" {
		a.console.Say("hint: %s", hint)
	}
}

// An exit is an error with an exit status. If err is nil, everything that the user needs
// to know has been printed.
type exit struct {
	status int
	err    error
	hint   string // what to do about it, or ""
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// statusOf returns the exit status for err, from a command whose flags could be parsed.
func statusOf(err error) int {
	if err == nil {
		return exitOK
	}
	if e, ok := errors.AsType[*exit](err); ok {
		return e.status
	}
	return exitError
}

// usage returns err as an error of the command line.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exit{status: exitUsage, err: err}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func hint(err error) string {
	if e, ok := errors.AsType[*exit](err); ok {
		return e.hint
	}
	return ""
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
