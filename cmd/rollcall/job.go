package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/report"
	"rollcall/tenant"
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
	output outputFlags
	talk   talkFlags
}

func (j *job) add(fs *pflag.FlagSet) {
	j.change.add(fs)
	j.roster.add(fs)
	j.tenant.add(fs)
	j.pace.add(fs)
	j.output.add(fs)
	j.talk.add(fs)
}

// do does the job on the roster called name. Whatever can be found out before
// the tenant is first called is found out first, in this order: the command
// line, the tenant, the roster, the results file, and whether it is meant.
func (j *job) do(a *app, name string) (err error) {
	if err := j.check(a, name); err != nil {
		return err
	}
	change, source, err := j.wanted(a, name)
	if err != nil {
		return err
	}
	log, err := j.talk.start(a)
	if err != nil {
		return err
	}
	conn, err := j.tenant.connect(j.pace.workers, log)
	if err != nil {
		return err
	}
	defer conn.close()
	a.greet(conn)

	users, err := j.open(a, name, change, source)
	if err != nil {
		return err
	}
	defer users.Close()
	a.describe(name, users)
	interrupts := watch(a.console)
	defer interrupts.end()

	out, err := j.output.open(a, j.audit, change, users, source, j.manifest(change, conn, users))
	if err != nil {
		return err
	}
	if j.output.resume && out.summary.Rows > 0 {
		a.console.Say("%s: %s recorded, %d to go", out.name, report.Plural(out.summary.Rows, "row"), out.left())
	}
	if !j.audit && !j.yes && conn.real && out.left() > 0 {
		err = a.confirm(interrupts, fmt.Sprintf("Set %s for %s on the %s?",
			change, report.Plural(users.Description().Users, "user"), conn.name))
	}
	if err == nil {
		err = j.carryOut(a, change, conn, out, interrupts, log)
	}
	// Results that may not be on the disk are worse news than what they say.
	if cerr := out.close(); cerr != nil && message(err) == "" {
		err = &exit{status: max(exitError, interrupts.status()), err: cerr}
	}
	return err
}

// check refuses a command line that can't be meant.
func (j *job) check(a *app, name string) error {
	if err := j.pace.check(); err != nil {
		return err
	}
	if j.verifyTimeout < 0 {
		return usage(fmt.Errorf("--verify-timeout %v: want 0 (read back once) or more", j.verifyTimeout))
	}
	return j.output.check(a, name, j.tenant.file())
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

// manifest says what the results are of.
func (j *job) manifest(change *pipeline.Change, conn *connection, users *roster.Roster) report.Manifest {
	kind := "apply"
	if j.undo {
		kind = "undo"
	}
	if j.audit {
		kind = "audit"
	} else if j.readFirst && !j.undo {
		kind = "apply --read-first"
	}
	return report.Manifest{Run: kind, Tenant: conn.name, Noun: change.Setting.Noun, Change: change.String(), Rows: users.Description().Rows}
}

// carryOut makes the run and says what came of it.
func (j *job) carryOut(a *app, change *pipeline.Change, conn *connection,
	out *output, interrupts *interrupts, log *zap.Logger) error {
	run := &pipeline.Run{
		Tenant:        conn,
		Change:        change,
		Limiter:       pipeline.NewLimiter(j.pace.rate),
		Workers:       j.pace.workers,
		Audit:         j.audit,
		ReadFirst:     j.readFirst,
		Retries:       j.pace.retries,
		RowTimeout:    j.pace.rowTimeout,
		VerifyTimeout: j.verifyTimeout,
		Stop:          interrupts.stop,
		Log:           log,
		Earlier:       out.earlier,
	}
	if j.audit {
		run.Tenant = tenant.ReadOnly(conn)
	}
	if out.file != nil {
		run.Journal = out.file
	}
	interrupts.says(func() string {
		return fmt.Sprintf("finishing %s in hand", report.Plural(run.Stats.InHand(), "row"))
	})
	start := time.Now()
	stop := j.talk.progress(a, out.left(), run, log)
	err := run.Do(interrupts.ctx, out.rows, out.recorder)
	stop()
	if serr := conn.save(); err == nil {
		err = serr
	}

	elapsed := time.Since(start)
	if cerr := out.conclude(j.talk.quiet); err == nil {
		err = cerr
	}
	a.console.Say("%s", out.summary.String())
	a.console.Say("%s", report.Pace(run, elapsed))
	if out.name != "" && out.summary.Rows > 0 {
		a.console.Say("results are in %s", out.name)
	}
	if left := out.left(); left > 0 {
		inHand := int(run.Stats.Unrecorded.Load())
		a.console.Say("%s not attempted", report.Plural(left-inHand, "row"))
		if inHand > 0 {
			a.console.Say("%s in hand, and not recorded", report.Plural(inHand, "row"))
		}
		if out.name != "" {
			a.console.Say("to go on: the same command with --resume")
		}
	}
	return outcome(err, &out.summary, interrupts)
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
		return refused(err)
	case s.Failed() > 0:
		return &exit{status: exitRows}
	case s.ByStatus[pipeline.Differs] > 0:
		return &exit{status: exitDiffers}
	}
	return nil
}
