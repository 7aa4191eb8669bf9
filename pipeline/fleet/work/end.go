package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
	"rollcall/tenant/connect"
)

// errBroken says that the log of a job could not be read or appended to: the job is to be
// tried again.
var errBroken = errors.New("the log of the job can't be reached")

// A rejectedError says that the job is for another Worker.
type rejectedError struct{ err error }

func (e *rejectedError) Error() string { return e.err.Error() }

func (e *rejectedError) Unwrap() error { return e.err }

func isRoster(err error) bool {
	_, ok := errors.AsType[*RosterError](err)
	return ok
}

// isFault reports whether err is a fault of this machine: other Workers may do without.
func isFault(err error) bool {
	_, signIn := errors.AsType[*connect.SignInError](err) // for want of a token, or of a file
	return signIn || errors.Is(err, syscall.ENOSPC)
}

// failed returns the outcome of a job that can't be run because of err.
func (t *task) failed(err error) fleet.Outcome {
	status, reason := t.Exit(err)
	return fleet.Outcome{State: results.Errored, Reason: t.forPeople(reason), Exit: &status, Rows: t.rowsSoFar()}
}

// failedOr returns the outcome of a job that ends with err, if every Worker would have that
// error; otherwise another one may try.
func (t *task) failedOr(ctx context.Context, err error) (fleet.Outcome, error) {
	switch {
	case isRoster(err):
		return t.failed(err), nil
	case ctx.Err() != nil || err == ErrLost:
		return fleet.Outcome{State: fleet.Waiting}, err
	}
	return fleet.Outcome{}, &rejectedError{err}
}

// outcomeOf returns what there is to say of a job that ended with o and err.
func (t *task) outcomeOf(o *results.Outcome, err error) fleet.Outcome {
	status, reason := o.Exit, o.Reason
	switch {
	case reason == "" && err != nil:
		reason = t.forPeople(err.Error())
	case reason == "" && o.Rows.Failed() > 0:
		reason = fmt.Sprintf("%d of %s failed", o.Rows.Failed(), pipeline.Plural(o.Rows.Total, "row"))
	}
	rows := fleet.RowsOf(&o.Rows)
	if before := t.rowsSoFar(); t.Remote && rows.Recorded < before.Recorded && !t.hasResults() {
		rows = before // it ended before its log was read
	} else if rows.Total == 0 { // or its roster
		rows.Total = t.lease.Rows
	}
	return fleet.Outcome{State: o.Ending, Reason: reason, Exit: &status, Rows: rows}
}

// end puts on record what came of the job, or leaves it to another Worker.
func (t *task) end(ctx context.Context, o fleet.Outcome, err error) error {
	now := time.Now().UTC()
	o.Started, o.Finished = &t.began, &now
	if err == nil && t.Remote {
		err = t.store(ctx, 0)
	}
	_, unfit := errors.AsType[*rejectedError](err)
	switch {
	case t.isLost(ctx) || errors.Is(err, ErrLost) || errors.Is(err, queue.ErrFenced):
		t.log.Warn("the job was lost to another worker, or the way to the server was")
		t.observe(&t.lease.Job, Lost{})
		// If the lease was in doubt for a moment only, nobody else has the job.
		ctx, cancel := context.WithTimeout(ctx, shutdownGrace)
		defer cancel()
		if t.giveBack(ctx, t.lease) == nil {
			sleep(t.soft, retryWait)
		}
		return nil
	case unfit:
		return t.reject(ctx, err)
	case err != nil:
		return t.returnIt(ctx, o, err)
	}
	return t.done(ctx, o)
}

// returnIt makes the job free again.
func (t *task) returnIt(ctx context.Context, o fleet.Outcome, why error) error {
	if o.Exit != nil {
		t.lease.Progress(fleet.Progress{Rows: o.Rows})
		if t.Remote && ctx.Err() == nil { // for people to look at; the log has it all
			if err := t.store(ctx, 1); err != nil {
				t.log.Warn("the results so far could not be stored", zap.Error(err))
			}
		}
	}
	if err := t.giveBack(ctx, t.lease); err != nil {
		return t.lostOr(err)
	}
	given := t.log.Info
	if _, held := errors.AsType[*lock.HeldError](why); held || errors.Is(why, errBroken) {
		given = t.log.Warn
	}
	given("the job was given back", zap.NamedError("reason", why), zap.Int("rows", o.Rows.Recorded))
	t.observe(&t.lease.Job, Returned{o, why})
	if _, stopped := errors.AsType[*StoppedError](why); !stopped { // not this one again at once
		sleep(t.soft, retryWait)
	}
	return nil
}

// done puts the outcome of the job on record.
func (t *task) done(ctx context.Context, o fleet.Outcome) error {
	ctx, cancel := lasting(ctx) // it may have ended while the last row was recorded
	defer cancel()
	t.stopFleet(ctx, &o) // before another job of it is begun in the place of this one
	if err := t.lease.Done(ctx, o); err != nil {
		return t.lostOr(err)
	}
	fields := []zap.Field{zap.String("outcome", o.State), zap.Int("exit", *o.Exit), zap.Int("rows", o.Rows.Recorded), zap.Int("failed", o.Rows.Failed)}
	if o.Reason != "" {
		fields = append(fields, zap.String("reason", o.Reason))
	}
	t.log.Info("tenant ended", fields...)
	t.observe(&t.lease.Job, Ended{o})
	t.stopFleet(ctx, &o) // others may have failed at the same time
	t.goOn(ctx, &o)
	return nil
}

// goOn puts the job, which has ended as cancelled or with its fleet, in the queue again if
// people have it go on by now: when they said so it was at work.
func (t *task) goOn(ctx context.Context, o *fleet.Outcome) {
	if o.State != fleet.Cancelled && !o.WithFleet {
		return
	}
	still, err := t.lease.IsEnding(ctx)
	if err == nil && !still {
		err = t.Queue.Again(ctx, t.lease.Fleet, []string{t.lease.Tenant})
	}
	if err != nil {
		t.log.Warn("it is not known whether the job is still to be ended; if not, fleet continue has it go on", zap.Error(err))
	}
}

// lostOr returns err, which the queue has for what was to be the last of a lease, unless
// it says that the job is another's.
func (t *task) lostOr(err error) error {
	t.observe(&t.lease.Job, Lost{})
	if errors.Is(err, queue.ErrLost) {
		return nil
	}
	return err
}

// reject hands the job back for another Worker, or ends it as failed if none is likely to
// be able to do it.
func (t *task) reject(ctx context.Context, why error) error {
	reason := t.forPeople(why.Error())
	err := t.lease.Reject(ctx, reason)
	if e, ok := errors.AsType[*queue.RejectedError](err); ok {
		o, err := t.failedStored(ctx, &UnfitError{reason, e.Workers})
		if err != nil {
			return t.returnIt(ctx, fleet.Outcome{State: fleet.Waiting}, err)
		}
		now := time.Now().UTC()
		o.Started, o.Finished = &t.began, &now
		return t.done(ctx, o)
	}
	if err != nil {
		t.log.Warn("the job could not be handed back", zap.Error(err))
		return t.lostOr(err)
	}
	t.log.Warn("the job was handed back", zap.String("reason", reason))
	t.observe(&t.lease.Job, Rejected{reason})
	if !errors.Is(why, ErrUnknownProfile) { // what is wrong here may be so for other jobs
		sleep(t.soft, faultWait)
	}
	return nil
}

// failedStored is failed for a job of which the log may have rows: their results are put
// into the store first, if this Worker can make them. The error is as for do.
func (t *task) failedStored(ctx context.Context, why error) (fleet.Outcome, error) {
	o := t.failed(why)
	if t.results == "" || !t.isUnrecorded(&o) {
		return o, nil
	}
	t.ends = &o
	stored, err := t.execute(ctx, true)
	if _, unfit := errors.AsType[*rejectedError](err); unfit {
		return o, nil
	}
	if err == nil {
		err = t.store(ctx, 0)
	}
	return stored, err
}

// stopFleet stops the fleet if, with o, it has more failed tenants than it may have.
func (t *task) stopFleet(ctx context.Context, o *fleet.Outcome) {
	if !o.HasFailed() {
		return
	}
	why, err := t.tooManyFailed(ctx, o)
	if err == nil && why != "" {
		err = t.Queue.Stop(ctx, t.lease.Fleet, why, t.withFleet(why))
	}
	if err != nil {
		t.log.Warn("the failed tenants of the fleet could not be counted", zap.Error(err))
	}
}

// withFleet returns the outcome of jobs that nobody has begun when their fleet is stopped.
func (t *task) withFleet(why string) fleet.Outcome {
	status, reason := t.Exit(&StoppedError{queue.StopFleet})
	return fleet.Outcome{State: results.Guarded, WithFleet: true, Reason: reason + ": " + why, Exit: &status, Rows: fleet.Rows{ByStatus: map[string]int{}}}
}

// tooManyFailed says why the fleet is to be stopped, or returns "".
func (t *task) tooManyFailed(ctx context.Context, o *fleet.Outcome) (string, error) {
	f, err := t.Queue.Fleet(ctx, t.lease.Fleet)
	if err != nil || f.MaxFailed == "" || f.Stopped != "" {
		return "", err
	}
	most, err := pipeline.ParseShare(f.MaxFailed)
	if err != nil {
		return "", err
	}
	outcomes, err := t.Queue.Outcomes(ctx, t.lease.Fleet)
	if err != nil {
		return "", err
	}
	record := fleet.Record{Tenants: []fleet.TenantRecord{{Outcome: *o}}}
	for tenant, raw := range outcomes {
		if tenant == t.lease.Tenant {
			continue
		}
		var of fleet.TenantRecord
		if err := json.Unmarshal(raw, &of.Outcome); err != nil {
			return "", fmt.Errorf("read the outcome of %s: %w", tenant, err)
		}
		record.Tenants = append(record.Tenants, of)
	}
	for len(record.Tenants) < f.Tenants { // those that have not ended have not failed
		record.Tenants = append(record.Tenants, fleet.TenantRecord{})
	}
	return record.TooManyFailed(most), nil
}
