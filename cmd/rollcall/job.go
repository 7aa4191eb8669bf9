package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/report"
)

// A job is an apply, an audit or an undo of a roster: what the commands share,
// which is nearly all.
type job struct {
	audit, undo, readFirst, ifUnchanged, yes bool
	verifyTimeout                            time.Duration

	change changeFlags
	roster rosterFlags
	tenant tenantFlags
	pace   paceFlags
	guard  guardFlags
	output outputFlags
	talk   talkFlags
	tell   tellFlags

	lockWait time.Duration

	flags      *pflag.FlagSet // all of them
	rosterName string
}

// add adds the flags of a job that may be about any roster.
func (j *job) add(fs *pflag.FlagSet) {
	grouped(fs, "What to change", j.change.add)
	grouped(fs, "The file", j.roster.add)
	j.addRun(fs)
}

// addRun adds the flags of every run.
func (j *job) addRun(fs *pflag.FlagSet) {
	j.flags = fs
	j.tenant.add(fs)
	grouped(fs, "Pace", j.pace.add)
	grouped(fs, "Guards", j.guard.add)
	grouped(fs, "Output", j.output.add)
	grouped(fs, "Messages", j.talk.add)
	grouped(fs, "For others", j.tell.add)
	grouped(fs, "Guards", func(fs *pflag.FlagSet) {
		fs.DurationVar(&j.lockWait, "lock-wait", 0, "wait for up to this `DURATION` for another run that holds the results file or the tenant")
	})
}

// addWrites adds the flags of a run that writes.
func (j *job) addWrites(fs *pflag.FlagSet) {
	grouped(fs, "Pace", func(fs *pflag.FlagSet) {
		fs.DurationVar(&j.verifyTimeout, "verify-timeout", 30*time.Second, "read back again for this `DURATION` while the old value shows")
	})
	grouped(fs, "Guards", func(fs *pflag.FlagSet) {
		j.guard.addMaxChanges(fs)
		fs.BoolVarP(&j.yes, "yes", "y", false, "do not ask before the first write to a real tenant")
	})
}

// kind says in a word what is done.
func (j *job) kind() string {
	switch {
	case j.audit:
		return "audit"
	case j.undo:
		return "undo"
	case j.readFirst:
		return "apply --read-first"
	}
	return "apply"
}

// do does the job on the roster called name. Whatever can be found out before
// the tenant is first called is found out first, in this order: the command
// line, the tenant, the roster, the results file, and whether it is meant.
func (j *job) do(a *app, name string) (err error) {
	if err := j.check(a, name); err != nil {
		return err
	}
	j.rosterName = name
	x := &execution{job: j, app: a}
	if x.log, err = j.talk.start(a); err != nil {
		return err
	}
	if err := x.openTeller(name); err != nil {
		return err
	}
	defer func() { err = x.conclude(err) }()
	if err := x.canTell(); err != nil {
		return err
	}
	if x.change, x.source, err = j.wanted(a, name); err != nil {
		return err
	}
	if err := x.lockTenant(); err != nil {
		return err
	}
	defer x.unlock()
	if x.conn, err = j.tenant.connect(a, x.change.Setting.Noun, j.pace.workers, x.log); err != nil {
		return err
	}
	defer x.conn.close()
	a.greet(x.conn)
	if err := x.canSave(); err != nil {
		return err
	}

	if x.users, err = j.open(a, name, x.change, x.source); err != nil {
		return err
	}
	defer x.users.Close()
	a.describe(name, x.users)

	x.interrupts = watch(a.console)
	defer x.interrupts.end()
	if err := x.lockResults(); err != nil {
		return err
	}
	if x.out, err = j.output.open(a, x); err != nil {
		return err
	}
	if err = x.signIn(); err == nil {
		err = x.confirm()
	}
	if err == nil {
		err = x.carryOut()
	}
	// Results that may not be on the disk are worse news than what they say.
	if cerr := x.out.close(); cerr != nil && message(err) == "" {
		err = &exit{status: max(exitError, x.interrupts.status()), err: cerr}
	}
	return x.out.page.conclude(x, err)
}

// check refuses a command line that can't be meant.
func (j *job) check(a *app, name string) error {
	if err := j.pace.check(); err != nil {
		return err
	}
	if _, err := j.guard.guards(); err != nil {
		return err
	}
	if j.verifyTimeout < 0 {
		return usage(fmt.Errorf("--verify-timeout %v: want 0 (read back once) or more", j.verifyTimeout))
	}
	if err := j.output.html.check(); err != nil {
		return err
	}
	if err := j.output.check(a, name, j.tenant.file()); err != nil {
		return err
	}
	if err := j.checkFormat(); err != nil {
		return err
	}
	return j.checkTell(a, name)
}

// wanted returns the change to make: what the flags say or, if they say nothing
// and the roster is a file that we wrote, what that does.
func (j *job) wanted(a *app, name string) (*pipeline.Change, *source, error) {
	change, err := j.change.change()
	if err != nil {
		return nil, nil, err
	}
	source := readSource(a, name)
	switch {
	case source == nil && j.undo:
		return nil, nil, fmt.Errorf("undo %s: not a results file", name)
	case source == nil && j.ifUnchanged, !change.Empty() && j.ifUnchanged:
		return nil, nil, usage(errors.New("--if-unchanged needs the diff of an audit as the file, and no --set"))
	case j.guard.maxChanges != "" && !j.readFirst && (source == nil || !change.Empty()):
		return nil, nil, usage(errors.New("--max-changes needs --read-first, or the diff of an audit as the file"))
	case source == nil && change.Empty() && name != "-":
		// It may be a misspelt results file, which would say what it wants.
		if _, err := os.Stat(name); err != nil {
			return nil, nil, err
		}
		fallthrough
	case source == nil:
		_, err := j.change.required()
		return change, nil, err
	}
	change.Cell = source.cell
	switch {
	case j.undo:
		err = source.back(change)
		j.roster.only = []string{"applied"}
	case change.Empty():
		err = source.again(change, j.ifUnchanged)
		if j.roster.only == nil {
			j.roster.only = wanting
		}
	}
	j.readFirst = j.readFirst || change.Expects()
	return change, source, err
}

// open opens the roster.
func (j *job) open(a *app, name string, change *pipeline.Change, source *source) (*roster.Roster, error) {
	if !j.undo {
		return j.roster.open(a, name, change, nil)
	}
	var missing noValueBefore
	users, err := j.roster.open(a, name, change, func(r *roster.Roster) func(*roster.Row) (string, error) {
		return missing.undoable(change, source, r.Header())
	})
	if merr := missing.err(name); merr != nil {
		if err == nil {
			users.Close()
		}
		return nil, merr
	}
	return users, err
}

// outcome returns the error that stands for the exit status of a run that ended
// with err. One without a cause is about rows, and has been told.
func outcome(err error, s *report.Summary, i *interrupts) error {
	switch {
	case i.status() != 0 && (err == nil || errors.Is(err, errInterrupted)):
		return &exit{status: i.status()}
	case i.status() != 0:
		return &exit{status: i.status(), err: err}
	case err != nil:
		return err
	case s.Failed() > 0:
		return &exit{status: exitRows}
	case s.ByStatus[pipeline.Differs] > 0:
		return &exit{status: exitDiffers}
	}
	return nil
}
