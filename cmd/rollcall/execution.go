package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/lock"
	"rollcall/pipeline/pace"
	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
	"rollcall/report"
	"rollcall/tenant"
	"rollcall/tenant/connect"
	"rollcall/tenant/disk"
)

// An execution is a job and what it has been found to work on.
type execution struct {
	*job
	app        *app
	change     *pipeline.Change
	source     *results.Source // nil if the roster is not a file of ours
	log        *zap.Logger
	conn       *connect.Tenant
	input      *input
	users      *roster.Roster
	rosterSum  string // SHA-256 of the roster, once it was asked for
	out        *output
	interrupts *interrupts
	locks      []*lock.Lock
	teller     teller
	news       *report.News // or nil
}

// canSave returns an error if what is changed of a tenant in a file could not be
// saved in the end.
func (x *execution) canSave() error {
	name := x.job.tenant.file()
	if x.audit || name == "" {
		return nil
	}
	if err := disk.CanWriteFile(name); err != nil {
		return fmt.Errorf("change %s: it could not be saved: %w", name, err)
	}
	return nil
}

// interrupted returns err, or what stands for an interrupt that came ahead of the
// run.
func (x *execution) interrupted(err error) error {
	if status := x.interrupts.status(); errors.Is(err, errInterrupted) && statusOf(err) != status {
		return &exit{status: status, err: errors.New("interrupted ahead of the first call: nothing was changed")}
	}
	return err
}

// manifest says what the results are of.
func (x *execution) manifest() results.Manifest {
	return results.Manifest{Run: x.kind(), Tenant: x.conn.Name, Where: x.job.tenant.record(), Noun: x.change.Setting.Noun,
		Change: x.change.String(), Wanted: x.change.Wanted(), Rows: x.users.Description().Rows, Digest: x.users.Digest(),
		Excel: x.job.output.excel, Befores: x.readFirst || x.change.Recalls()}
}

// signIn finds out whether the tenant lets us in, if there is anything to do there.
func (x *execution) signIn() error {
	if x.out.left() == 0 {
		return nil
	}
	ctx, cancel := x.interrupts.first()
	defer cancel()
	err := x.conn.SignIn(ctx, !x.audit)
	if err != nil && x.interrupts.status() != 0 {
		return errInterrupted
	}
	return explain(err, x.conn.Auth)
}

// confirm asks before the first write to a real tenant.
func (x *execution) confirm() error {
	if x.output.resume && x.out.counts.Recorded > 0 {
		x.app.console.Say("%s: %s recorded, %d to go", x.out.name, pipeline.Plural(x.out.counts.Recorded, "row"), x.out.left())
	}
	if x.audit || x.yes || !x.conn.Real || x.out.left() == 0 {
		return nil
	}
	return x.app.confirm(x.interrupts, x.question())
}

// question asks for the change in a sentence, and says what it changes besides
// and whether it can be undone.
func (x *execution) question() string {
	return question(x.change, x.users.Description().Users, x.conn.Title(), x.readFirst || x.change.Recalls(), x.out.name)
}

func question(c *pipeline.Change, users int, tenant string, before bool, record string) string {
	text := fmt.Sprintf("Set %s for %s on the %s?", c, pipeline.Plural(users, "user"), tenant)
	if moved := c.Moved(); moved != nil {
		text += fmt.Sprintf(" That changes %s as well.", strings.Join(moved, ", "))
	}
	switch {
	case before && record != "":
		return text + " The values before are recorded in " + record + ", from which undo puts them back."
	case before:
		return text + " The values before are shown, and recorded in no file."
	}
	return text + " No value before is read or recorded, so this can't be undone (--read-first)."
}

// run returns the run.
func (x *execution) run() (*pipeline.Run, error) {
	guards, err := x.guard.guards()
	run := &pipeline.Run{
		Tenant:        x.conn,
		Change:        x.change,
		Limiter:       pace.New(x.pace.rate),
		Workers:       x.pace.workers,
		Audit:         x.audit,
		ReadFirst:     x.readFirst,
		Retries:       x.pace.retries,
		RowTimeout:    x.pace.rowTimeout,
		VerifyTimeout: x.verifyTimeout,
		Outages:       true,
		Stop:          x.interrupts.stop,
		Guards:        guards,
		Log:           x.log,
		Earlier:       x.out.from.Earlier,
		Unsure:        x.out.from.Unsure,
	}
	if x.audit {
		run.Tenant = tenant.ReadOnly(x.conn)
	}
	if x.out.file != nil && !x.out.file.Device() {
		run.Journal = x.out.file
	}
	return run, err
}

// carryOut makes the run and says what came of it.
func (x *execution) carryOut() error {
	run, err := x.run()
	if err != nil {
		return err
	}
	x.interrupts.says(func() string {
		rows := pipeline.Plural(run.Stats.InProgress(), "row")
		if since, _ := run.Outage(); !since.IsZero() {
			return fmt.Sprintf("the tenant can't be reached since %s: leaving %s in progress", since.Format(time.TimeOnly), rows)
		}
		text := fmt.Sprintf("finishing %s in progress, %s", rows, x.interrupts.atMost())
		if d := run.Limiter.PauseLeft(); d > time.Second {
			text += fmt.Sprintf(" (the tenant has us wait another %v)", d.Round(time.Second))
		}
		return text
	})
	if err := x.countChanges(run); err != nil {
		return err
	}
	if err := x.beginOutput(); err != nil {
		return err
	}
	x.begin(run)
	start := time.Now()
	stop, unwatch := x.progress(run), x.out.page.watch(run)
	err = run.Do(x.interrupts.ctx, x.out.rows, x.recorder())
	unwatch()
	stop()
	if serr := x.out.sync(); err == nil || serr != nil && errors.Is(err, errInterrupted) {
		err = serr
	}
	x.count(run, err)
	if !x.audit { // which leaves what another run keeps beside a tenant's file alone
		if serr := x.conn.Save(); err == nil {
			err = serr
		}
	}
	if cerr := x.out.conclude(); err == nil {
		err = cerr
	}
	x.summarise(run, time.Since(start), err)
	if why := run.Stopped(); why != "" && err == nil && x.out.left() > 0 && x.interrupts.status() == 0 {
		return &exit{status: exitGuard, err: errors.New("stopped: " + why)}
	}
	if x.news != nil && err == nil && x.interrupts.status() == 0 {
		return x.newsOutcome()
	}
	if err = outcome(explain(err, x.conn.Auth), &x.out.counts, x.interrupts); err == nil || message(err) == "" && statusOf(err) != x.interrupts.status() {
		return x.leftChanged(err)
	}
	return err
}

// countChanges is the guard that wants to know ahead of the first write how many
// there will be: of a diff it does, otherwise it reads every user.
func (x *execution) countChanges(run *pipeline.Run) error {
	found := x.users.Description()
	switch {
	case x.guard.maxChanges == "" || x.audit:
		return nil
	case x.source != nil && !x.readFirst:
		return x.guard.tooMany(found.Users, found.Rows+found.PassedOver)
	}
	return x.guard.countChanges(run, x.users.Rows(), found.Users, x.interrupts)
}
