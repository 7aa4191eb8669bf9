// Package pipeline is the run: what to do with a row, when to try again, at what
// pace, and in what order to say what became of it.
//
//	roster ─ rows ─▶ workers ─ results ─▶ emitter ─ in order ─▶ Recorder
//	                   │  ▲
//	            Limiter │  │ retry, read again
//	                   ▼  │
//	                  tenant
//
// [Run.Do] reads rows in order and hands them to workers. A worker sets, reads
// back and compares (or only reads: an audit), asking the [pace.Limiter] for each
// call. Results leave in the order of the rows, so that what has been recorded
// is always the first rows of the roster.
//
// What a row comes to is a [Result], and no row's failure ends a run. What does
// is what concerns all rows: a token that is refused, a record that can't be
// written, an interrupt.
package pipeline

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"rollcall/pipeline/pace"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// flushEvery bounds how long a record may stay in a buffer, and so how much a
// kill can take. syncEvery is how often the Recorder is called when there is
// nothing new, to bring to the disk what it was given.
const (
	flushEvery = 10 * time.Millisecond
	syncEvery  = time.Second
)

// A Run is what to do with the rows of a roster, and how. Tenant, Change,
// Limiter, Workers and Log are required.
type Run struct {
	Tenant  tenant.Runner // for an audit a [tenant.ReadOnly] one
	Change  *Change       // bound to the roster
	Limiter *pace.Limiter
	Workers int // calls made at once, at most

	Audit         bool          // only read and compare
	ReadFirst     bool          // read ahead of the set, and set only what differs
	Retries       int           // how often a cmdlet is run again after a transient failure
	RowTimeout    time.Duration // after the first such failure no cmdlet is run again for the row; 0 means never
	VerifyTimeout time.Duration // for how long a read-back that shows another value is repeated

	// Outages has what befalls the tenant told from what befalls a row. In an outage
	// no row fails or spends a retry: calls are made one at a time until the tenant
	// is back. After RowTimeout, or half a minute if the tenant has never answered, a
	// guard stops the run. So does Stop at once. The rows in progress are then left
	// as they are: without a result.
	Outages bool

	// Stop, if not nil, is closed to end the run softly: no further row is
	// begun, and the rows in progress are finished.
	Stop <-chan struct{}

	Guards Guards

	Log *zap.Logger // what happens meanwhile; what is of a roster or a tenant is in fields, not in messages

	// Journal, if not nil, keeps what can't be recorded yet.
	Journal Journal

	// Earlier is what the journal of an earlier run has of rows that it did not
	// record, by line. Of the first Unsure rows, those that are not in it may have
	// been set by such a run all the same: it left a journal that is damaged, or
	// its results are gone. They are set, and no value that was read of them passes
	// for the one before unless it is not the one wanted.
	Earlier map[int]Earlier
	Unsure  int

	Stats  Stats
	Counts Counts       // of the rows that Do was given, but for Total, once it has returned
	Open   map[int]bool // the lines of those that are Counts.InProgress

	pool    *pool
	jobs    chan *task // from the reader to the workers
	outages outages
	once    sync.Once
	kinds   kinds
	lookout *lookout
	tripped chan struct{} // closed when a guard has stopped the run
	halted  atomic.Bool   // a guard has the run begin no more rows
	reason  string        // why it has; set ahead of that
	guard   string        // which one it was
	alike   string
}

// Stopped returns, once Do has returned, why a guard stopped the run, or "".
func (r *Run) Stopped() string { return r.reason }

// StoppedBy returns which guard it was: canary, limit, max-errors, max-duration or
// row-timeout; or "" for one that nobody sets.
func (r *Run) StoppedBy() string { return r.guard }

// Alike returns, once Do has returned, how all rows that it attempted failed, if
// there were several and they all failed in one way, or "". What is wrong then
// may be no user's matter.
func (r *Run) Alike() string { return r.alike }

// Do works on rows and gives rec the result of each, in order. It returns nil
// when all rows are recorded or, after Stop or when a guard has stopped the run, those
// that had been begun, except in an outage; and the
// error that ended it otherwise: rec's, the context's cause, or that of a tenant
// which refuses every call. Then too what was recorded is the first rows, and
// whole.
//
// Every goroutine that it starts has returned by the time it does.
func (r *Run) Do(ctx context.Context, rows Rows, rec Recorder) error {
	var (
		free = newMailbox() // tasks for the reader to fill, which bounds the rows in progress
		done = newMailbox() // from all of them to the emitter
		jobs = make(chan *task, 256)
	)
	r.jobs, r.tripped, r.reason, r.alike = jobs, make(chan struct{}), "", ""
	r.halted.Store(false)
	r.guard = ""
	r.outages.limiter, r.outages.most = r.Limiter, r.RowTimeout
	if r.Change.Setting.Any() {
		r.kinds = make(kinds, len(r.Change.assigns))
	}
	canary := make(chan struct{}) // closed when it has come back
	r.lookout = &lookout{alike: r.Guards.Alike, trip: r.trip}
	guard := &watch{Guards: r.Guards, trip: r.trip, passed: func() { close(canary) }}
	if d := r.Guards.MaxDuration; d > 0 {
		defer time.AfterFunc(d, func() { r.trip("max-duration", fmt.Sprintf("time is up after %v", d)) }).Stop()
	}
	g, ctx := errgroup.WithContext(ctx)
	var senders sync.WaitGroup // those who send to done

	worker := func() error {
		defer senders.Done()
		r.pool.enter()
		defer r.pool.leave()
		for !r.stopped() { // then what is left in jobs has not been begun
			t, ok := r.pool.receive(jobs)
			if !ok {
				return nil
			}
			r.Stats.begun.Add(1)
			err := r.do(ctx, t)
			r.Stats.ended.Add(1)
			r.left()
			replaced := t.parked
			done.put(t)
			if err != nil || replaced {
				return err
			}
			r.pool.yield()
		}
		return nil
	}
	start := func() {
		senders.Add(1)
		g.Go(worker)
	}
	r.pool = newPool(r.Workers, start)
	for range r.Workers {
		start()
	}

	senders.Add(1)
	g.Go(func() error { // the reader
		defer senders.Done()
		defer close(jobs)
		window := &window{free: free}
		for seq, sent := 0, 0; ; seq++ {
			if sent > 0 && sent == r.Guards.Limit {
				// Those that are sent are to be done, so nothing is closed.
				r.once.Do(func() { r.guard, r.reason = "limit", areDone(sent) })
				r.halted.Store(true)
				return nil
			}
			if sent > 0 && sent == r.Guards.Canary {
				if ok, err := r.wait(ctx, canary); !ok {
					return err
				}
			}
			t, err := window.next(func(c <-chan struct{}) (bool, error) { return r.wait(ctx, c) })
			if t == nil {
				return err
			}
			if err := rows.Read(&t.Row); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
			window.filled(t)
			t.seq = seq
			if !r.begin(t) {
				done.put(t)
				continue
			}
			sent++
			select {
			case jobs <- t:
				continue
			default: // worth a try first: it costs a third of what follows
			}
			select {
			case jobs <- t:
			case <-r.Stop:
				return nil
			case <-r.tripped:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	})

	finished := make(chan struct{}) // closed when all rows are done
	g.Go(func() error {
		senders.Wait()
		close(done.ready)
		close(finished)
		return nil
	})
	g.Go(func() error { // who leaves the rows in progress if the run is stopped in an outage
		if ok, err := r.wait(ctx, finished); ok || err != nil {
			return nil
		}
		if since, _ := r.Outage(); !since.IsZero() {
			return errLeft
		}
		return nil
	})
	emitter := r.newEmitter(done, free, guard, rec)
	g.Go(emitter.emit)
	err := g.Wait()
	r.Open = emitter.finish()
	r.Counts = emitter.counts
	if guard.attempted > 1 {
		r.alike = guard.likeness()
	}
	if err == errLeft {
		return nil
	}
	return err
}

// trip has a guard stop the run, for a reason.
func (r *Run) trip(guard, reason string) {
	r.once.Do(func() {
		r.guard, r.reason = guard, reason
		r.halted.Store(true)
		close(r.tripped)
	})
}

// Read reads the setting of one user, with as much patience as Do has. It is not
// for use during Do.
func (r *Run) Read(ctx context.Context, upn string) (tenant.Object, error) {
	r.pool = newPool(1, func() {})
	r.pool.enter()
	return r.get(ctx, &task{Result: Result{Row: roster.Row{UPN: upn}}})
}

// wait waits for c, and reports whether it came ahead of the end of the run.
func (r *Run) wait(ctx context.Context, c <-chan struct{}) (bool, error) {
	select {
	case <-c:
		return true, nil
	case <-r.Stop:
		return false, nil
	case <-r.tripped:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// stopped reports whether no further row is to be begun.
func (r *Run) stopped() bool {
	select { // one by one, which costs a fraction of both at once
	case <-r.Stop:
		return true
	default:
	}
	select {
	case <-r.tripped:
		return true
	default:
		return false
	}
}
