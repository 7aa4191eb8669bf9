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
	source     *report.Source // nil if the roster is not a file of ours
	log        *zap.Logger
	conn       *connection
	input      *input
	users      *roster.Roster
	rosterSum  string // SHA-256 of the roster, once it was asked for
	out        *output
	interrupts *interrupts
	locks      []*lock
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
	l, err := acquire(path, what, x.lockWait, x.interrupts.stop)
	if held, ok := errors.AsType[*heldError](err); ok {
		if status := x.interrupts.status(); status != 0 {
			return &exit{status: status, err: held}
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

// interrupted returns err, or what stands for an interrupt that came ahead of the
// run.
func (x *execution) interrupted(err error) error {
	if status := x.interrupts.status(); errors.Is(err, errInterrupted) && statusOf(err) != status {
		return &exit{status: status, err: errors.New("interrupted ahead of the first call: nothing was changed")}
	}
	return err
}

// sameTenant refuses to undo what was done on another tenant.
func (x *execution) sameTenant() error {
	m := x.source.Manifest()
	if !x.undo || m == nil || m.Where.Same(x.job.tenant.record()) {
		return nil
	}
	return fmt.Errorf("undo %s: its run was on the %s, and this is the %s", x.input.name, m.Tenant, x.conn.name)
}

// open opens the roster.
func (x *execution) open() (*roster.Roster, error) {
	o, err := x.roster.options(x.change)
	if err != nil {
		return nil, err
	}
	if x.undo {
		o.Skip, o.Want = x.source.Unchanged, x.source.Undoable(x.change)
	}
	var users *roster.Roster
	if past := x.past(); past != nil && past.Fed() {
		in, err := past.Open(x.undo)
		if err != nil {
			return nil, err
		}
		defer in.Close()
		users, err = roster.Read(x.input.name, in, o)
		return users, x.cantUndo(err)
	}
	if x.input.once != nil {
		users, err = roster.Read(x.input.title(), x.input.once, o)
	} else {
		users, err = roster.Open(x.input.name, nil, o)
	}
	if errors.Is(err, errInterrupted) {
		return nil, errInterrupted
	}
	return users, x.cantUndo(optionError(err))
}

// past returns what stands beside the roster, if it is a file of ours, or nil.
func (x *execution) past() *report.Past {
	if x.source == nil || x.source.Past == nil {
		return nil
	}
	return x.source.Past
}

// tellPast says of which run a roster of ours is, and what is not certain of it.
func (x *execution) tellPast() {
	past := x.past()
	if past == nil {
		return
	}
	say := x.app.console
	if m := past.Manifest; m != nil {
		text := fmt.Sprintf("%s: of the %s of %s on the %s", past.Name, m.Kind(), m.Change, m.Tenant)
		if past.By != "" {
			text += ", " + past.By
		}
		say.Say("%s: %s", text, report.CountsText(&past.Counts))
		for _, line := range report.Unfinished(&past.Counts) {
			say.Say("%s: %s", past.Name, line)
		}
	} else if past.Unknown && x.undo {
		say.Warn("warning: %s: no summary stands beside it: whether all users of its run are in it is not known", past.Name)
	}
	for _, doubt := range past.Doubts {
		say.Warn("warning: %s", doubt)
	}
}

// cantUndo adds to the error of a roster what to do if it is that nothing in it
// can be put back.
func (x *execution) cantUndo(err error) error {
	if err == nil || !x.undo || !strings.Contains(err.Error(), report.ErrNoBefore.Error()) {
		return err
	}
	return &exit{status: exitError, err: err,
		hint: "apply records the values before with --read-first, or when it is given the diff of an audit"}
}

// manifest says what the results are of.
func (x *execution) manifest() report.Manifest {
	return report.Manifest{Run: x.kind(), Tenant: x.conn.name, Where: x.job.tenant.record(), Noun: x.change.Setting.Noun,
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
	err := x.conn.signIn(ctx)
	if err != nil && x.interrupts.status() != 0 {
		return &exit{status: x.interrupts.status()}
	}
	return x.conn.explain(err)
}

// confirm asks before the first write to a real tenant.
func (x *execution) confirm() error {
	if x.output.resume && x.out.counts.Recorded > 0 {
		x.app.console.Say("%s: %s recorded, %d to go", x.out.name, report.Plural(x.out.counts.Recorded, "row"), x.out.left())
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
		text := fmt.Sprintf("finishing %s in progress", report.Plural(run.Stats.InProgress(), "row"))
		if d := run.Limiter.PauseLeft(); d > time.Second {
			text += fmt.Sprintf(", for which the tenant has us wait another %v", d.Round(time.Second))
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
	x.count(run, err)
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
	if err = outcome(x.conn.explain(err), &x.out.counts, x.interrupts); err == nil || message(err) == "" && statusOf(err) != x.interrupts.status() {
		return x.leftChanged(err)
	}
	return err
}

// leftChanged returns err, of an undo that was carried out, or why it can't be
// said that nobody is left changed.
func (x *execution) leftChanged(err error) error {
	past := x.past()
	if !x.undo || past == nil || len(past.Doubts) == 0 {
		return err
	}
	return &exit{status: exitRows, err: fmt.Errorf("undo %s: users may be left changed: %s", x.input.name, strings.Join(past.Doubts, "; "))}
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
		l.progress(h.out.counts.Recorded + int(h.teller.recorded()))
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
