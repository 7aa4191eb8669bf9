package work

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
)

// A task is a job that this Worker has a lease of.
type task struct {
	*workerState
	lease   *queue.Lease
	log     *zap.Logger
	began   time.Time
	dir     string // of its files
	results string // name of the results file
	cancel  context.CancelCauseFunc
	broken  atomic.Bool    // the log of the job can't be read, or appended to
	ends    *fleet.Outcome // what the job ends with, once only results of its log are made; or nil
	why     func() error   // why the job was stopped; the same each time
}

// carryOut does the job of a lease. The error is one of the queue: what came of the job
// may not be on record.
func (r *workerState) carryOut(ctx context.Context, lease *queue.Lease) error {
	ctx, cancel := context.WithCancelCause(ctx)
	t := &task{workerState: r, lease: lease, log: r.logOf(lease), began: time.Now().UTC(), dir: r.Dir, cancel: cancel}
	t.why = sync.OnceValue(t.whyStopped)
	var listen sync.WaitGroup
	listen.Go(func() {
		select {
		case <-lease.Lost():
			t.cancelLost()
		case <-ctx.Done():
		}
	})
	defer listen.Wait()
	defer cancel(nil)

	r.observe(&lease.Job, Began{lease.Epoch})
	if r.Remote {
		dir, err := os.MkdirTemp(r.workDir, lease.Tenant+"-*")
		if err != nil {
			return t.reject(ctx, err)
		}
		defer os.RemoveAll(dir)
		t.dir = dir
	}
	t.results = filepath.Join(t.dir, lease.Tenant+".csv")
	o, err := t.do(ctx)
	return t.end(ctx, o, err)
}

// do does the job. The error, if there is one, says why there is no outcome to put on
// record.
func (t *task) do(ctx context.Context) (fleet.Outcome, error) {
	if t.Remote {
		if err := t.fetch(ctx, filepath.Join(t.dir, rosterDir)); err != nil {
			return t.failedOr(ctx, err)
		}
	}
	if t.isEnding() {
		return t.execute(ctx, true)
	}
	o, err := t.execute(ctx, false)
	if err != nil || !t.isUnrecorded(&o) {
		return o, err
	}
	if o.State != fleet.Cancelled && !o.WithFleet {
		t.ends = &o
	}
	return t.execute(ctx, true)
}

// execute runs the job. If onlyStore is set it makes no call, and only has results of what
// the log has. The results are as for do.
func (t *task) execute(ctx context.Context, onlyStore bool) (o fleet.Outcome, err error) {
	o = fleet.Outcome{State: fleet.Waiting, Rows: t.rowsSoFar()}
	opts, err := t.Prepare(t.lease.Job, t.dir)
	switch {
	case err == nil:
	case t.Remote || errors.Is(err, ErrUnknownProfile):
		return o, &rejectedError{err}
	default:
		return t.failed(err), nil
	}
	if err := t.complete(ctx, &opts); err != nil {
		return o, err
	}
	stop, done := t.stop()
	defer done()
	whole := ctx
	if onlyStore {
		var end context.CancelCauseFunc
		ctx, end = context.WithCancelCause(ctx)
		defer end(nil)
		withoutCalls(&opts, t.dir, func() { end(errNoCalls) })
		stop = nil // this takes no time worth mentioning
	}
	beat := t.heartbeat()
	opts.Observers = append(opts.Observers, beat)
	got, err := opts.Run(ctx, stop)
	beat.end()
	if t.isLost(whole) {
		return o, ErrLost
	}
	if t.isHeldByLost(err, opts.Command) {
		return o, err
	}
	o = t.outcomeOf(got, err)
	switch {
	case t.broken.Load():
		return o, fmt.Errorf("%w: %w", errBroken, context.Cause(whole))
	case onlyStore && whole.Err() != nil:
		return o, context.Cause(whole)
	case t.Remote && isFault(err) && !o.Complete():
		return o, &rejectedError{err}
	case onlyStore && err != nil && !o.Complete() && !errors.Is(err, job.ErrInterrupted):
		return o, &rejectedError{err} // whoever ends the job has to have what the log has
	case got.Ending != results.Interrupted:
		return o, nil
	}
	why := t.why()
	if !t.isEnding() {
		return o, why
	}
	if still, err := t.lease.IsEnding(whole); err == nil && !still {
		return o, errGoesOn
	}
	o.State = fleet.Cancelled
	if t.lease.StopReason() == queue.StopFleet {
		o.State, o.WithFleet = results.Guarded, true
	}
	return o, nil
}

// rosterDir is where the files of a job are, in its directory.
const rosterDir = "roster"

// complete adds to the options of a job what the Worker sees to.
func (t *task) complete(ctx context.Context, o *job.Options) error {
	o.Results, o.NameResults, o.Overwrite, o.Resume, o.Approve = t.results, nil, false, true, nil
	o.Open = guarded(o.Open, t.lease.Valid, t.cancelLost)
	sign := o.Sign
	o.Sign = func(so *results.Outcome, err error) {
		if sign != nil {
			sign(so, err)
		}
		t.sign(so, err)
	}
	if !t.Remote {
		return nil
	}
	o.Roster = RosterName(t.dir, &t.lease.Job)
	if t.lease.Epoch > 1 { // the last Worker may be on this machine, and about to end
		if f, err := t.Queue.Fleet(ctx, t.lease.Fleet); err == nil {
			o.LockWait = max(o.LockWait, f.Takeover)
		}
	}
	log, err := t.lease.Log(ctx)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	fenced := &fencedLog{log, t, ctx}
	o.Remote = &job.Remote{Log: fenced, Messages: fenced.Messages()}
	return nil
}

// A fencedLog is the log of a job. When it can't be read or appended to, the job ends at
// once.
type fencedLog struct {
	*queue.Log
	t   *task
	ctx context.Context // of the job
}

func (l *fencedLog) Messages() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for m, err := range l.Log.Messages() {
			if !yield(m, l.note(err)) {
				return
			}
		}
	}
}

func (l *fencedLog) Append(b []byte) error { return l.note(l.Log.Append(b)) }

func (l *fencedLog) note(err error) error {
	if err != nil && l.ctx.Err() == nil {
		l.t.broken.Store(true)
		l.t.cancel(err)
	}
	return err
}

// sign has an outcome say why the job was stopped, and name the files that people know,
// not those in the directory of the job.
func (t *task) sign(o *results.Outcome, err error) {
	switch {
	case !errors.Is(err, job.ErrInterrupted):
	case t.ends != nil:
		o.Ending, o.Exit, o.Reason = t.ends.State, *t.ends.Exit, t.ends.Reason
	default:
		o.Exit, o.Reason = t.Exit(t.why())
	}
	if t.Remote {
		o.Roster, o.Results = t.lease.Roster, filepath.Base(t.results)
		o.Reason = t.forPeople(o.Reason)
	}
}

// forPeople returns a text with files named as people know them.
func (t *task) forPeople(text string) string {
	if !t.Remote {
		return text
	}
	if len(t.lease.Files) > 0 {
		text = strings.ReplaceAll(text, RosterName(t.dir, &t.lease.Job), t.lease.Roster)
	}
	return strings.ReplaceAll(text, t.dir+string(filepath.Separator), "")
}

// cancelLost ends the job at once: another Worker may have it.
func (t *task) cancelLost() { t.cancel(ErrLost) }

// isLost reports whether another Worker may have the job. Nothing of it may be stored
// then.
func (t *task) isLost(ctx context.Context) bool {
	return context.Cause(ctx) == ErrLost || errors.Is(context.Cause(ctx), queue.ErrFenced) || !t.lease.Valid()
}

// stop returns a channel that is closed when no further row is to be begun, until done is
// called.
func (t *task) stop() (stop <-chan struct{}, done func()) {
	ctx, cancel := context.WithCancel(t.soft)
	var listen sync.WaitGroup
	listen.Go(func() {
		select {
		case <-t.lease.Stop():
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx.Done(), func() { cancel(); listen.Wait() }
}

// whyStopped returns why the job was stopped.
func (t *task) whyStopped() error {
	select {
	case <-t.lease.Stop():
		return &StoppedError{t.lease.StopReason()}
	default:
		return ErrDrained
	}
}
