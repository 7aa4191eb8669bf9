package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/report"
	"rollcall/tenant"
)

// An execution is a job and what it has been found to work on.
type execution struct {
	*job
	app        *app
	change     *pipeline.Change
	source     *source // nil if the roster is not a file of ours
	log        *zap.Logger
	conn       *connection
	users      *roster.Roster
	out        *output
	interrupts *interrupts
	locks      []*lock
	inHand     int // rows that calls were made for and that are not recorded, once it is over
	teller     teller
	news       *report.News // or nil
}

// lockTenant keeps others on this machine from writing to the tenant meanwhile.
// A sandbox in memory is nobody else's anyway.
func (x *execution) lockTenant() error {
	if x.audit || x.job.tenant.tenant == "sandbox" {
		return nil
	}
	noun := x.change.Setting.Noun
	if x.job.tenant.file() != "" {
		noun = "" // the file is written as a whole
	}
	path, err := tenantLock(x.job.tenant.identity(), noun)
	if err != nil {
		return err
	}
	return x.lock(path, strings.TrimSpace(noun+" of the tenant "+x.job.tenant.identity()))
}

// canSave returns an error if what is changed of a tenant in a file could not be
// saved in the end.
func (x *execution) canSave() error {
	name := x.job.tenant.file()
	if x.audit || name == "" {
		return nil
	}
	if err := report.CanWriteFile(name); err != nil {
		return fmt.Errorf("change %s: it could not be saved: %w", name, err)
	}
	return nil
}

// lockResults keeps others from the results file.
func (x *execution) lockResults() error {
	name := x.job.output.name
	if name == "" || name == "-" {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(name)); err != nil {
		return nil // whoever creates the file says why not
	}
	return x.lock(resultsLock(name), name)
}

func (x *execution) lock(path, what string) error {
	var stop <-chan struct{}
	if x.interrupts != nil {
		stop = x.interrupts.stop
	}
	l, err := acquire(path, what, x.lockWait, stop)
	if held, ok := errors.AsType[*heldError](err); ok {
		if x.interrupts != nil && x.interrupts.status() != 0 {
			return &exit{status: x.interrupts.status(), err: held}
		}
		return &exit{status: exitHeld, err: held, hint: "--lock-wait DURATION waits for it"}
	}
	if err != nil {
		return err
	}
	x.locks = append(x.locks, l)
	return nil
}

func (x *execution) unlock() {
	for _, l := range x.locks {
		l.release()
	}
}

// manifest says what the results are of.
func (x *execution) manifest() report.Manifest {
	return report.Manifest{Run: x.kind(), Tenant: x.conn.name, Noun: x.change.Setting.Noun,
		Change: x.change.String(), Rows: x.users.Description().Rows}
}

// signIn finds out whether the tenant lets us in, if there is anything to do there.
func (x *execution) signIn() error {
	if x.out.left() == 0 {
		return nil
	}
	ctx, cancel := x.interrupts.first()
	defer cancel()
	err := x.conn.signIn(ctx)
	if err != nil && x.interrupts.status() != 0 {
		return &exit{status: x.interrupts.status()}
	}
	return x.conn.explain(err)
}

// confirm asks before the first write to a real tenant.
func (x *execution) confirm() error {
	if x.output.resume && x.out.summary.Rows > 0 {
		x.app.console.Say("%s: %s recorded, %d to go", x.out.name, report.Plural(x.out.summary.Rows, "row"), x.out.left())
	}
	if x.audit || x.yes || !x.conn.real || x.out.left() == 0 {
		return nil
	}
	return x.app.confirm(x.interrupts, fmt.Sprintf("Set %s for %s on the %s?",
		x.change, report.Plural(x.users.Description().Users, "user"), x.conn.name))
}

// run returns the run.
func (x *execution) run() (*pipeline.Run, error) {
	guards, err := x.guard.guards()
	run := &pipeline.Run{
		Tenant:        x.conn,
		Change:        x.change,
		Limiter:       pipeline.NewLimiter(x.pace.rate),
		Workers:       x.pace.workers,
		Audit:         x.audit,
		ReadFirst:     x.readFirst,
		Retries:       x.pace.retries,
		RowTimeout:    x.pace.rowTimeout,
		VerifyTimeout: x.verifyTimeout,
		Stop:          x.interrupts.stop,
		Guards:        guards,
		Log:           x.log,
		Earlier:       x.out.earlier,
	}
	if x.audit {
		run.Tenant = tenant.ReadOnly(x.conn)
	}
	if x.out.file != nil {
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
		text := fmt.Sprintf("finishing %s in hand", report.Plural(run.Stats.InHand(), "row"))
		if d := run.Limiter.PauseLeft(); d > time.Second {
			text += fmt.Sprintf(", for which the tenant has us wait another %v", d.Round(time.Second))
		}
		return text
	})
	if err := x.countChanges(run); err != nil {
		return err
	}
	x.begin(run)
	start := time.Now()
	stop, unwatch := x.progress(run), x.out.page.watch(run)
	x.out.begun = true
	err = run.Do(x.interrupts.ctx, x.out.rows, x.recorder())
	unwatch()
	stop()
	x.settleCounts(run, err)
	if !x.audit { // which leaves what another run keeps beside a tenant's file alone
		if serr := x.conn.save(); err == nil {
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
	return outcome(x.conn.explain(err), &x.out.summary, x.interrupts)
}

// recorder returns what is told of each row: the output and, for those who wait
// for them, the locks.
func (x *execution) recorder() pipeline.Recorder {
	return report.Tee(x.out.recorder, holding{x})
}

// holding tells the locks how far the run has come.
type holding struct{ *execution }

func (holding) Record(*pipeline.Result) error { return nil }

func (h holding) Flush() error {
	for _, l := range h.locks {
		l.progress(h.out.summary.Rows)
	}
	return nil
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
