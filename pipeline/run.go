// Package pipeline carries out a run: what to do with a row, when to try again, how fast
// to call the tenant, and in what order to record the results.
//
//	roster ─ rows ─▶ workers ─ results ─▶ emitter ─ in order ─▶ Recorder
//	                   │  ▲
//	            Limiter │  │ retry, read again
//	                   ▼  │
//	                  tenant
//
// [Run.Do] reads rows in order and hands them to workers. A worker sets, reads
// back and compares (an audit only reads and compares). It asks the [pace.Limiter]
// before each call. Results are recorded in the order of the rows, so that the records
// are always those of the first rows of the roster.
//
// What became of a row is its [Result]. A row that fails does not end a run. Only what
// concerns all rows does: a token that is refused, a record that can't be written, an
// interrupt.
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

// flushEvery is how long a record may stay in a buffer, and so how much a kill can lose.
// syncEvery is how often Flush is called when there is nothing new, so that the Recorder
// can bring its records to the disk.
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
	Workers int // most calls at once

	Audit         bool          // only read and compare
	ReadFirst     bool          // read before the set, and set only what differs
	Retries       int           // how often a cmdlet is run again after a transient failure
	RowTimeout    time.Duration // how long after the first such failure a cmdlet of the row may be run again; 0 for no limit
	VerifyTimeout time.Duration // how long a read-back that shows another value is repeated

	// Outages turns on the detection of outages: times when the tenant can't be reached.
	// In an outage no row fails or uses a retry, and calls are made one at a time until
	// the tenant answers. After RowTimeout, or half a minute if the tenant has never
	// answered, a guard stops the run. Stop ends it at once. The rows in progress then
	// have no result.
	Outages bool

	// Stop, if not nil, is closed to stop the run softly: no further row is begun, and
	// the rows in progress are finished.
	Stop <-chan struct{}

	Guards Guards

	Log *zap.Logger // values from the roster or the tenant are in fields, never in messages

	// Journal, if not nil, gets what can't be recorded yet.
	Journal Journal

	// ResultLog, if not nil, gets every result at once.
	ResultLog ResultLog

	// Earlier has, by line, what the journal of an earlier run has of rows that it did
	// not record.
	//
	// Unsure is the number of first rows that such a run may have set even if Earlier
	// does not have them: its journal is damaged, or its results are gone. These rows are
	// set again, and a value read of them is recorded as the value before only if it is
	// not the wanted one.
	Earlier map[int]Earlier
	Unsure  int

	Stats  Stats
	Counts Counts       // set when Do has returned, without Total
	Open   map[int]bool // the lines of the rows in Counts.InProgress

	// MaybeSet says, once Do has returned, that a set for one of the rows in Open was
	// accepted or may have taken effect.
	MaybeSet bool

	pool     *pool
	jobs     chan *task // from the reader to the workers
	outages  outages
	refusal  refusal
	once     sync.Once
	kinds    kinds
	readBack *readBackCheck
	tripped  chan struct{} // closed when a guard has stopped the run
	halted   atomic.Bool   // a guard has stopped the run from beginning rows
	reason   string        // why it has; set before tripped is closed
	guard    string        // name of that guard
	alike    string
}

// Do works on rows and gives rec the result of each, in order. It returns nil when all
// rows are recorded. After Stop, or when a guard has stopped the run, it returns nil
// when the rows in progress are recorded or, in an outage, at once. If rows can't be read it
// stops in the same way, and returns that error. Otherwise it returns the error that ended
// the run: that of rec, the context's cause, or that of a tenant which refuses every call. In every case the first rows are recorded, without a
// gap.
//
// Every goroutine that it starts has returned by the time it does.
func (r *Run) Do(ctx context.Context, rows Rows, rec Recorder) error {
	var (
		free = newMailbox()             // from the emitter to the reader, which fills the tasks again
		done = newMailbox()             // from the reader and the workers to the emitter
		jobs = make(chan *task, Window) // holds all tasks that there are: to send never blocks
	)
	r.jobs, r.tripped, r.reason, r.alike = jobs, make(chan struct{}), "", ""
	r.halted.Store(false)
	r.refusal.refused.Store(false)
	r.guard = ""
	r.outages.limiter, r.outages.longest = r.Limiter, r.RowTimeout
	if r.Change.Setting.AnyProperty() {
		r.kinds = make(kinds, len(r.Change.assigns))
	}
	canary := make(chan struct{}) // closed when its rows are done and none failed
	r.readBack = &readBackCheck{alike: r.Guards.Alike, trip: r.trip}
	guard := &guardState{Guards: r.Guards, trip: r.trip, passed: func() { close(canary) }}
	if d := r.Guards.MaxDuration; d > 0 {
		defer time.AfterFunc(d, func() { r.trip("max-duration", fmt.Sprintf("time is up after %v", d)) }).Stop()
	}
	g, ctx := errgroup.WithContext(ctx)
	var senders sync.WaitGroup // goroutines that send to done

	worker := func() error {
		defer senders.Done()
		r.pool.begin()
		defer r.pool.end()
		for !r.stopped() { // the tasks left in jobs were not begun
			t, ok := r.pool.receive(jobs)
			if !ok {
				return nil
			}
			r.tookPlace(t)
			err := r.do(ctx, t)
			guard.add(t)
			r.logFinished(t)
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
	r.pool = newPool(r.Workers, &r.Stats.busy, start, r.wakeIfAlone)
	for range r.Workers {
		start()
	}

	var unread error // why the other rows can't be read
	senders.Add(1)
	g.Go(func() error { // the reader
		defer senders.Done()
		defer close(jobs)
		window := &window{free: free}
		for seq, sent := 0, 0; ; seq++ {
			if sent > 0 && sent == r.Guards.Limit {
				// The rows already sent have to be finished, so nothing is closed.
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
				unread = err
				r.trip("", "")
				return nil
			}
			window.filled(t)
			t.seq = seq
			if !r.begin(t) {
				r.logFinished(t)
				done.put(t)
				continue
			}
			sent++
			jobs <- t
		}
	})

	finished := make(chan struct{}) // closed when all rows are done
	g.Go(func() error {
		senders.Wait()
		close(done.ready)
		close(finished)
		return nil
	})
	g.Go(func() error { // ends the run at once if it is stopped in an outage
		if ok, err := r.wait(ctx, finished); ok || err != nil {
			return nil
		}
		if since, _ := r.Outage(); !since.IsZero() {
			return errUnreachable
		}
		return nil
	})
	emitter := r.newEmitter(done, free, rec)
	g.Go(emitter.emit)
	err := g.Wait()
	r.Open, r.MaybeSet = emitter.finish()
	r.Counts = emitter.counts
	r.alike = guard.allAlike()
	if err == errUnreachable {
		err = nil
	}
	if err == nil {
		err = unread
	}
	return err
}

// Read reads the setting of one user, with the retries that Do has. It must not be
// called during Do.
func (r *Run) Read(ctx context.Context, upn string) (tenant.Object, error) {
	r.pool = newPool(1, &r.Stats.busy, func() {}, func() {})
	r.refusal.refused.Store(false)
	r.pool.enter()
	return r.get(ctx, &task{Result: Result{Row: roster.Row{UPN: upn}}})
}
