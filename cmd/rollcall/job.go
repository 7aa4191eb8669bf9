package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
)

// verifyTimeout is the default time for which a value is read back again while the
// tenant returns the old one.
const verifyTimeout = 30 * time.Second

// jobFlags are the flags of apply, audit and undo.
type jobFlags struct {
	audit, undo, readFirst, ifUnchanged, yes bool

	change     changeFlags
	roster     rosterFlags
	tenant     tenantFlags
	pace       paceFlags
	guard      guardFlags
	output     outputFlags
	record     recordFlags
	console    consoleFlags
	monitoring monitorFlags

	lockWait    time.Duration
	lockDir     string
	stopTimeout time.Duration

	flags *pflag.FlagSet // all flags of the command
}

// add adds the flags of apply and audit, which take any roster.
func (f *jobFlags) add(fs *pflag.FlagSet) {
	grouped(fs, "What to change", f.change.add)
	grouped(fs, "The file", f.roster.add)
	f.addRun(fs)
}

// addRun adds the flags that apply, audit and undo share.
func (f *jobFlags) addRun(fs *pflag.FlagSet) {
	f.flags = fs
	f.tenant.add(fs)
	grouped(fs, "Pace", f.pace.add)
	grouped(fs, "Pace", func(fs *pflag.FlagSet) {
		fs.DurationVar(&f.stopTimeout, "stop-timeout", stopTimeout, "after an interrupt, finish rows in progress for at most this `DURATION`, then stop at once; 0 for at once")
	})
	grouped(fs, "Guards", f.guard.add)
	grouped(fs, "Output", f.output.add)
	grouped(fs, "Output", f.record.add)
	grouped(fs, "Messages", f.console.add)
	grouped(fs, "Monitoring", f.monitoring.add)
	grouped(fs, "Guards", func(fs *pflag.FlagSet) {
		fs.DurationVar(&f.lockWait, "lock-wait", 0, "wait at most this `DURATION` for another run that holds the results file or the tenant; 0 for no wait")
		fs.StringVar(&f.lockDir, "lock-dir", "", "lock the tenant in this `DIR` instead of the machine's directory; all runs on the tenant must name the same")
	})
}

// addWrites adds the flags of apply and undo, which write.
func (f *jobFlags) addWrites(fs *pflag.FlagSet) {
	grouped(fs, "Pace", func(fs *pflag.FlagSet) {
		fs.DurationVar(&f.pace.verifyTimeout, "verify-timeout", verifyTimeout, "read back again for at most this `DURATION` while the tenant returns the old value; 0 to read back once")
	})
	grouped(fs, "Guards", func(fs *pflag.FlagSet) {
		f.guard.addMaxChanges(fs)
		fs.BoolVarP(&f.yes, "yes", "y", false, "do not ask for confirmation before the first write to a real tenant")
	})
}

// run runs the job on the roster called name, and returns the error of the command.
func (f *jobFlags) run(a *app, name string) error {
	x := &execution{jobFlags: f, app: a, rosterName: name}
	if err := f.check(a, name); err != nil {
		return err
	}
	o, err := x.options()
	if err == nil {
		err = o.Check()
	}
	if err != nil {
		return x.explain(err)
	}
	x.interrupts = watch(a.console, f.stopTimeout)
	defer x.interrupts.end()
	x.interrupts.says(func() string { return "stopping" })
	if o.Log, err = f.console.start(a); err != nil {
		return err
	}
	if x.monitor, err = f.monitoring.open(a, &f.console, o.Log); err != nil {
		return err
	}
	defer x.monitor.close()
	a.awaitsUsers(name)
	o.Log = x.monitor.log
	if err := f.monitoring.check(x.monitor); err != nil {
		x.monitor.refused = err
		return x.report(o.Refused(err), err)
	}
	return x.report(o.Run(x.interrupts.ctx, x.interrupts.stop))
}

// check returns an error if the flags contradict each other.
func (f *jobFlags) check(a *app, name string) error {
	if err := f.output.findBaseline(); err != nil {
		return err
	}
	if f.stopTimeout < 0 {
		return usage(fmt.Errorf("--stop-timeout %v: want 0 (stop at once) or more", f.stopTimeout))
	}
	if err := f.change.checkMode(); err != nil {
		return err
	}
	if err := f.output.html.check(false); err != nil {
		return err
	}
	if err := f.record.check(); err != nil {
		return err
	}
	if err := f.output.check(a, name, f.tenant.file()); err != nil {
		return err
	}
	if f.output.resume && f.output.file() == "" {
		return f.nothingToResume()
	}
	if err := f.checkFormat(); err != nil {
		return err
	}
	return f.checkFiles(a, name)
}

// options returns the options of the job.
func (x *execution) options() (o job.Options, err error) {
	f, a := x.jobFlags, x.app
	o = job.Options{
		Audit: f.audit, Undo: f.undo, ReadFirst: f.readFirst, IfUnchanged: f.ifUnchanged,
		Roster: x.rosterName, Stdin: a.stdin(), Wanted: f.change.wanted(),
		Settings:      f.tenant.settings(),
		Workers:       f.pace.workers,
		Rate:          f.pace.rate,
		Retries:       f.pace.retries,
		RowTimeout:    f.pace.rowTimeout,
		VerifyTimeout: f.pace.verifyTimeout,
		Results:       f.output.file(), Overwrite: f.output.overwrite, Resume: f.output.resume, Excel: f.output.excel,
		Outputs:   x.outputs(),
		Command:   x.title(),
		Note:      f.record.note,
		StateDir:  stateDir(),
		LockDir:   f.lockDir,
		LockWait:  f.lockWait,
		Sign:      x.sign,
		Observers: []job.Observer{x},
		Prompt:    func(text string) { a.console.Break(); a.console.Say("%s", text) },
	}
	o.CommandLine = a.recordedCommand()
	if a.profile.origins["noun"] == "" {
		o.Wanted.Noun = ""
	}
	if a.profile.origins["tenant"] == "" {
		o.Settings.Tenant = ""
	}
	if f.output.name == "" {
		o.NameResults = x.nameRecord
	}
	if !f.yes {
		o.Approve = x.approve
	}
	if o.Layout, err = f.roster.options(); err != nil {
		return o, err
	}
	if o.Guards, err = f.guard.guards(); err != nil {
		return o, err
	}
	o.MaxChanges = f.guard.changes
	return o, nil
}

// title returns the name of the job that a lock shows to other runs.
func (x *execution) title() string {
	text := "apply"
	switch {
	case x.audit:
		text = "audit"
	case x.undo:
		text = "undo"
	case x.readFirst:
		text = "apply --read-first"
	}
	text += " " + x.rosterName
	if x.output.name != "" {
		text += " -o " + x.output.name
	}
	return text
}

// approve asks for confirmation before the first write to a real tenant.
func (x *execution) approve(p job.Plan) error {
	question, err := x.question(&p)
	if err != nil {
		return err
	}
	return x.app.confirm(x.interrupts, question)
}

// exit returns the error of a command whose job ended with o and err: with an exit
// status and what to do about it.
func (x *execution) exit(o *results.Outcome, err error) error {
	status := x.interrupts.status()
	switch {
	case err == nil && x.news != nil && o.Rows.ByStatus[pipeline.Unreadable] == 0: // with --baseline only a change counts
		if x.news.Changed() {
			return &exit{status: exitDiffers}
		}
		return nil
	case err == nil && o.Rows.Failed() > 0:
		return &exit{status: exitRows, hint: x.noBeforeHint()}
	case err == nil && !o.Rows.AsWanted():
		return &exit{status: exitDiffers}
	case err == nil:
		return nil
	case err == job.ErrInterrupted:
		return &exit{status: status}
	}
	err = x.explain(err)
	if status != 0 {
		return &exit{status: status, err: errors.New(message(err))}
	}
	return err
}

// rosterError returns err, an error of a roster, with the flag that helps.
func rosterError(err error) error {
	if errors.Is(err, roster.ErrOption) {
		return usage(err)
	}
	if e, ok := errors.AsType[*roster.OptionHint](err); ok {
		flag := "--" + e.Option
		if e.Value != "" {
			flag += fmt.Sprintf(" %q", e.Value)
		}
		return &exit{status: exitError, err: err, hint: flag + map[string]string{
			"upn-column": " names the column with the UPNs", "delimiter": " sets the character between cells", "encoding": " reads the file in that encoding",
			"sheet": " names the sheet to read", "only": " selects rows of a results file or a diff by their status"}[e.Option]}
	}
	return err
}
