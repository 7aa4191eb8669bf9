package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
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

	lockWait    time.Duration
	lockDir     string
	stopTimeout time.Duration

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
	grouped(fs, "Pace", func(fs *pflag.FlagSet) {
		fs.DurationVar(&j.stopTimeout, "stop-timeout", stopTimeout, "finish rows in progress for this `DURATION`, at most, after an interrupt; then stop at once")
	})
	grouped(fs, "Guards", j.guard.add)
	grouped(fs, "Output", j.output.add)
	grouped(fs, "Messages", j.talk.add)
	grouped(fs, "For others", j.tell.add)
	grouped(fs, "Guards", func(fs *pflag.FlagSet) {
		fs.DurationVar(&j.lockWait, "lock-wait", 0, "wait for up to this `DURATION` for another run that holds the results file or the tenant")
		fs.StringVar(&j.lockDir, "lock-dir", "", "lock the tenant in this `DIR`, which all runs on it have to name, not in the machine's")
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
	x := &execution{job: j, app: a, interrupts: watch(a.console, j.stopTimeout)}
	defer x.interrupts.end()
	x.interrupts.says(func() string { return "stopping" })
	if x.log, err = j.talk.start(a); err != nil {
		return err
	}
	if err := x.openTeller(name); err != nil {
		return err
	}
	defer func() { err = x.conclude(x.interrupted(err)) }()
	if err := x.canTell(); err != nil {
		return err
	}
	if x.input, err = a.openInput(name, x.interrupts); err != nil {
		return err
	}
	defer x.input.close()
	if x.change, x.source, err = j.wanted(a, x.input); err != nil {
		return err
	}
	if err := x.lockTenant(); err != nil {
		return err
	}
	defer x.unlock()
	if x.conn, err = j.tenant.connect(a, x.change.Setting.Noun, j.pace.workers, x.log, x.inherited()...); err != nil {
		return err
	}
	defer x.conn.Close()
	a.greet(x.conn, j.unnamed(a))
	if err := x.sameTenant(); err != nil {
		return err
	}
	if err := x.canSave(); err != nil {
		return err
	}

	if x.users, err = x.open(); err != nil {
		return err
	}
	defer x.users.Close()
	x.tellPast()
	a.describe(name, x.users)
	if x.interrupts.status() != 0 {
		return errInterrupted
	}
	if err := x.lockResults(); err != nil {
		return err
	}
	if x.out, err = j.output.open(x); err != nil {
		return err
	}
	defer func() { err = x.finish(err) }()
	if err = x.signIn(); err == nil {
		err = x.lockTenantID()
	}
	if err == nil {
		err = x.confirm()
	}
	if err == nil {
		err = x.carryOut()
	}
	return err
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
	if j.stopTimeout < 0 {
		return usage(fmt.Errorf("--stop-timeout %v: want 0 (stop at once) or more", j.stopTimeout))
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

// unnamed reports whether the tenant is the built-in sandbox because nobody named
// one.
func (j *job) unnamed(a *app) bool {
	return j.tenant.tenant == "sandbox" && a.profile.origins["tenant"] == ""
}

// wanted returns the change to make: what the flags say or, if they say nothing
// and the roster is a file that we wrote, what that does. Of such a file the noun
// is on record too and, for undo, the tenant.
func (j *job) wanted(a *app, in *input) (*pipeline.Change, *results.Source, error) {
	source, err := readSource(in)
	if err != nil {
		return nil, nil, err
	}
	if m := source.Manifest(); m != nil {
		if a.profile.origins["noun"] == "" && !j.change.asked() {
			j.change.noun = m.Noun
		}
		if j.undo && a.profile.origins["tenant"] == "" {
			j.tenant.takeUp(m.Where)
		}
	}
	change, err := j.change.change()
	if err != nil {
		return nil, nil, err
	}
	switch {
	case source == nil && j.undo:
		return nil, nil, fmt.Errorf("undo %s: not a results file", in.name)
	case source == nil && j.ifUnchanged, !change.Empty() && j.ifUnchanged:
		return nil, nil, usage(errors.New("--if-unchanged needs the diff of an audit as the file, and no --set"))
	case j.guard.maxChanges != "" && !j.readFirst && (source == nil || !change.Empty()):
		return nil, nil, usage(errors.New("--max-changes needs --read-first, or the diff of an audit as the file"))
	case source == nil && change.Empty() && in.once == nil:
		// It may be a misspelt results file, which would say what it wants.
		f, err := os.Open(in.name)
		if err != nil {
			return nil, nil, err
		}
		f.Close()
		fallthrough
	case source == nil:
		_, err := j.change.required()
		return change, nil, err
	}
	change.Cell = source.Cell
	switch {
	case j.undo:
		err = wrongNoun(source.Back(change))
		j.roster.only = results.Changing
	case change.Empty():
		err = wrongNoun(source.Again(change, j.ifUnchanged))
		if j.roster.only == nil {
			j.roster.only = results.Wanting
		}
	}
	j.readFirst = j.readFirst || change.Expects()
	return change, source, err
}

// outcome returns the error that stands for the exit status of a run that ended
// with err. One without a cause is about rows, and has been told.
func outcome(err error, c *pipeline.Counts, i *interrupts) error {
	switch {
	case i.status() != 0 && (err == nil || errors.Is(err, errInterrupted)):
		return &exit{status: i.status()}
	case i.status() != 0:
		return &exit{status: i.status(), err: err}
	case err != nil:
		return err
	case c.Failed() > 0:
		return &exit{status: exitRows}
	case c.ByStatus[pipeline.Differs] > 0:
		return &exit{status: exitDiffers}
	}
	return nil
}
