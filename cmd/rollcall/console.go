package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/report"
	"rollcall/tenant/connect"
)

// consoleFlags choose what a run writes to standard error.
type consoleFlags struct {
	quiet, verbose bool
	logFormat      string
	stats          time.Duration
}

func (f *consoleFlags) add(fs *pflag.FlagSet) {
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing if all is well")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "also log retries and the tenant's warnings")
	fs.StringVar(&f.logFormat, "log-format", "console", "`FORMAT` of log lines: console, for people, or json")
	fs.DurationVar(&f.stats, "stats", time.Minute, "without a terminal, log the progress of the run once in this `DURATION`; 0 for never")
}

// start sets up the console as the flags say, and returns the log.
func (f *consoleFlags) start(a *app) (*zap.Logger, error) {
	switch {
	case f.logFormat != "console" && f.logFormat != "json":
		return nil, usage(fmt.Errorf("--log-format %q: want console or json", f.logFormat))
	case f.stats < 0:
		return nil, usage(fmt.Errorf("--stats %v: want 0 (never) or more", f.stats))
	}
	level, everyRow := zapcore.InfoLevel, true
	switch {
	case f.quiet:
		level = zapcore.ErrorLevel
	case f.verbose:
		level = zapcore.DebugLevel
	case f.draws(a):
		level, everyRow = zapcore.WarnLevel, false // a person sees the progress line
	}
	if f.quiet {
		a.console.Quiet()
	}
	log := a.console.Log(level, f.logFormat == "json")
	if !everyRow {
		log = report.WithoutRows(log)
	}
	return log, nil
}

// service is like start, for a service: it has no progress line, so that a person sees
// its log.
func (f *consoleFlags) service(a *app) (*zap.Logger, error) {
	log, err := f.start(a)
	if err == nil && f.draws(a) && !f.quiet && !f.verbose {
		log = a.console.Log(zapcore.InfoLevel, false)
	}
	return log, err
}

// draws reports whether there is a progress line.
func (f *consoleFlags) draws(a *app) bool { return f.logFormat == "console" && takesSequences(a.err) }

// progress shows the progress of the run, until stop is called: with a progress line
// on a terminal, with log lines elsewhere.
func (f *consoleFlags) progress(a *app, i *interrupts, total int, run *pipeline.Run, log *zap.Logger) (stop func()) {
	switch {
	case f.quiet:
	case f.draws(a):
		return a.console.Progress(total, run, report.Terminal{Columns: columns(a.err), Deadline: i.deadline})
	case f.stats > 0:
		return report.LogProgress(log, f.stats, total, run)
	}
	return func() {}
}

// columns returns a function that returns the width of a terminal at that moment, or
// 80 if it is not known.
func columns(stream any) func() int {
	return func() int {
		if f, ok := stream.(*os.File); ok {
			if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
				return width
			}
		}
		return 80
	}
}

// stdout returns the writer to standard output for a run, which keeps clear of the
// progress line.
func (a *app) stdout() io.Writer {
	if isTerminal(a.out) && isTerminal(a.err) {
		return a.console.Beside(a.out)
	}
	return a.out
}

// greet says that the tenant is a sandbox, now and as the last line of the program.
// If that is because no --tenant was given, it says so even with --quiet: results
// of a sandbox look like real ones.
func (a *app) greet(t *connect.Tenant, unnamed bool) {
	if unnamed && a.console.IsQuiet() {
		a.console.Remind("no --tenant was named: this is the %s; nothing in Microsoft 365 is changed", t.Name)
		return
	}
	if !t.Real {
		a.console.Say("%s: nothing in Microsoft 365 is changed", t.Name)
		a.goodbye = fmt.Sprintf("this was the %s: nothing in Microsoft 365 was changed", t.Name)
	}
}

// describe prints what was found in a roster, so that the user sees a wrong guess.
func (a *app) describe(name string, r *roster.Roster) {
	found := r.Description()
	a.console.Say("%s: %s", name, found)
	for _, w := range found.Warnings {
		a.console.Warn("warning: %s", w)
	}
}

// isYes reports whether an answer is y or yes.
func isYes(answer string) bool {
	answer = strings.TrimSpace(answer)
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
}

// errNobodyToAsk is the error of a question without a terminal to ask it on.
var errNobodyToAsk = errors.New("not confirmed: there is no terminal to ask on")

// confirm asks the user a question, and returns an error unless the answer is yes.
func (a *app) confirm(i *interrupts, question string) error {
	if !isTerminal(a.in) || !isTerminal(a.err) {
		return &exit{status: exitUsage, err: errNobodyToAsk,
			hint: "--yes goes ahead: " + question}
	}
	a.console.Break() // the user must see what was found before answering
	fmt.Fprintf(a.err, "%s [y/N] ", report.Shown(question))
	newline := sync.OnceFunc(func() { fmt.Fprintln(a.err) }) // what comes stands below the question
	defer i.alsoSays(newline)()
	answers := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(a.in).ReadString('\n')
		answers <- answer
	}()
	select {
	case answer := <-answers:
		if isYes(answer) {
			return nil
		}
		return &exit{status: exitError, err: errors.New("not confirmed: nothing was changed")}
	case <-i.stop:
		newline()
		return &exit{status: i.status(), err: errors.New("not confirmed: nothing was changed")}
	}
}
