package pipeline

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"rollcall/pipeline/pace"
	"rollcall/tenant"
)

const (
	several      = 3                // rows in a row that fail make an outage
	longestProbe = 15 * time.Second // about how long a tenant that is back may go unnoticed
	longestPark  = 5 * time.Minute  // for which a row waits in an outage, if nothing wakes it
	firstOutage  = 30 * time.Second // is enough if nothing was ever answered
)

// outages tell what is the tenant's from what is a row's.
//
// That a call did not get through ([tenant.Error.Unreachable]) says little by
// itself. Whose failure it was shows by what comes after it:
//
//   - A call that began after the failure is answered, whatever the answer is: the
//     tenant is there, and the failure was the row's.
//   - Several rows in a row fail in this way: it is an outage. Until it is over
//     calls are made one at a time, by one row after another, with waits that
//     grow. The first that is answered ends it, and the failures were the tenant's.
//   - There is no other row to make a call: then the tenant is asked for something
//     that it has answered before. See [Run.ask].
//
// Reads and sets are told apart: a tenant that can be read may take no sets for a
// while.
type outages struct {
	doubt atomic.Int64 // number of the last failure that is undecided, or 0
	past  atomic.Int64 // outages that are over

	mu     sync.Mutex
	reads  calls
	sets   calls
	rows   []*task                     // that have failed since any call was answered: several at most
	whole  bool                        // the outage is of both, and an answer to either ends it
	n      int64                       // failures so far
	spell  int64                       // changes when a call is answered
	since  time.Time                   // when the outage began, or zero
	said   bool                        // a probe has failed: now it is certain
	total  time.Duration               // of those that are over
	waits  *backoff.ExponentialBackOff // between probes
	look   chan struct{}               // closed when rows that wait are to look again; nil if none does
	known  tenant.Cmdlet               // a read that was answered, if it has a name
	asking chan struct{}               // closed when the row that asks is done; nil if none does
	silent bool                        // it had no answer, in this outage

	limiter *pace.Limiter
	most    time.Duration // that an outage may take; 0 for any time
}

// A mark is when a call began, between failures.
type mark struct{ doubt, past int64 }

func (o *outages) mark() mark { return mark{o.doubt.Load(), o.past.Load()} }

func (o *outages) of(c *tenant.Cmdlet) *calls {
	if c.Reads() {
		return &o.reads
	}
	return &o.sets
}

// on reports whether there is an outage, though it may not be certain.
func (o *outages) on() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.since.IsZero()
}

// watch returns a channel that is closed when a row that waits is to look again.
func (o *outages) watch() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.look == nil {
		o.look = make(chan struct{})
	}
	return o.look
}

// wake has all rows that wait look again. It is called with the lock held.
func (o *outages) wake() {
	if o.look != nil {
		close(o.look)
		o.look = nil
	}
}

// now is the time by a clock that stands still in outages.
func (o *outages) now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if !o.since.IsZero() {
		now = o.since
	}
	return now.Add(-o.total)
}

// answered notes that the tenant has answered c, which began at m. It returns how
// long the outage was that this is the end of, or 0.
func (o *outages) answered(m mark, c *tenant.Cmdlet) time.Duration {
	k := o.of(c)
	if m.doubt == 0 && o.doubt.Load() == 0 && k.reached.Load() {
		return 0
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.spell++
	k.reached.Store(true)
	if c.Reads() && o.known.Name == "" {
		o.known = *c
	}
	switch {
	case k.down == 0:
		k.rows, o.rows = k.rows[:0], o.rows[:0]
		k.decide(m.doubt, theRows)
		o.note()
	case m.doubt < k.down: // it began before the outage
	case o.whole:
		return o.end(theTenants, o.n, &o.reads, &o.sets)
	default:
		// Calls of the other kind that failed meanwhile, and were too few for an
		// outage, did so for the same reason.
		for _, other := range []*calls{&o.reads, &o.sets} {
			if other.down == 0 {
				other.decide(o.n, theTenants)
			}
		}
		return o.end(theTenants, o.n, k)
	}
	return 0
}

// end ends the outage of each of kinds, if there is one, and says whose their
// failures up to number n were. It returns how long the outage was if it is over,
// and was certain.
func (o *outages) end(whose verdict, n int64, kinds ...*calls) (took time.Duration) {
	for _, k := range kinds {
		k.decide(n, whose)
		k.rows, o.rows, k.down = k.rows[:0], o.rows[:0], 0
	}
	o.wake()
	if whose == theTenants {
		o.past.Add(1)
	}
	o.note()
	if o.since.IsZero() || o.reads.down != 0 || o.sets.down != 0 {
		return 0
	}
	if o.said {
		took = time.Since(o.since)
		o.total += took
	}
	o.since, o.said, o.silent, o.whole, o.waits = time.Time{}, false, false, false, nil
	o.limiter.Widen()
	return took
}

// note keeps doubt up to date.
func (o *outages) note() {
	var last int64
	for _, k := range []*calls{&o.reads, &o.sets} {
		if n := len(k.open); n > 0 {
			last = max(last, k.open[n-1].n)
		}
	}
	o.doubt.Store(last)
}

// failed notes that c, which began at m, did not get through for t. Probe says that
// this was in an outage, which it would have ended if it had.
func (o *outages) failed(m mark, c *tenant.Cmdlet, t *task) (f *failure, probe bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m.past != o.past.Load() {
		t.excused = true
		return &failure{task: t, whose: theTenants}, false // it began in an outage
	}
	k := o.of(c)
	o.n++
	f = &failure{n: o.n, spell: o.spell, task: t}
	k.open = append(k.open, f)
	o.doubt.Store(o.n)
	add := func(rows []*task) []*task {
		if t.excused { // it may be one that always fails
			return rows
		}
		if len(rows) < several && !slices.Contains(rows, t) {
			return append(rows, t)
		}
		return rows
	}
	if len(k.rows) == 0 {
		k.first = time.Now()
	}
	k.rows, o.rows = add(k.rows), add(o.rows)
	switch {
	case k.down != 0:
		if probe = m.doubt >= k.down; probe {
			o.probed()
		}
	case len(o.rows) == several:
		o.whole = true
		o.begin(&o.reads)
		o.begin(&o.sets)
	case len(k.rows) == several:
		o.begin(k)
	}
	return f, probe
}

// begin begins an outage of calls of k, unless there is one.
func (o *outages) begin(k *calls) {
	if k.down != 0 {
		return
	}
	k.down = o.n
	if o.since.IsZero() {
		o.since, o.waits = time.Now(), retryWaits(longestProbe)
		o.limiter.Narrow(0)
	}
	if len(k.rows) > 0 && k.first.Before(o.since) {
		o.since = k.first
	}
}

// reached reports whether the tenant has answered any call.
func (o *outages) reached() bool { return o.reads.reached.Load() || o.sets.reached.Load() }

// probed notes that a probe failed, and has the next one wait, though not beyond the
// time that the outage may take.
func (o *outages) probed() {
	o.said = true
	wait, took := o.waits.NextBackOff(), time.Since(o.since)
	if o.most > 0 {
		wait = min(wait, o.most-took)
	}
	if !o.reached() {
		wait = min(wait, firstOutage-took)
	}
	o.limiter.Narrow(wait)
}

// told notes that the tenant has answered c, which began at m and was asked to find
// out whose the failures are. It returns how long the outage was that this ends, or 0.
func (o *outages) told(m mark, c *tenant.Cmdlet) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.spell++
	o.reads.reached.Store(true)
	if o.known.Name == "" {
		o.known = *c
	}
	switch {
	case o.silent:
		return o.end(theTenants, o.n, &o.reads, &o.sets)
	case o.said:
		o.pardon()
	}
	return o.end(theRows, m.doubt, &o.reads, &o.sets)
}

// untold notes that the tenant has not answered what was asked.
func (o *outages) untold() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begin(&o.reads)
	o.begin(&o.sets)
	o.silent, o.whole = true, true
	o.probed()
}
