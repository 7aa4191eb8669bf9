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
	outageRows     = 3                // so many rows in succession that fail are an outage
	maxProbeWait   = 15 * time.Second // longest wait between two probes, about
	maxPark        = 5 * time.Minute  // longest wait of a row in an outage, if nothing wakes it
	maxFirstOutage = 30 * time.Second // ends a run whose calls were never answered
)

// outages finds out whether the tenant or a row is the cause of a call that did not
// reach the tenant ([tenant.Error.Unreachable]). That shows only by what happens next:
//
//   - A call that began after the failure is answered, whatever the answer is: the
//     tenant is there, and the row was the cause.
//   - Several rows in succession fail in this way: it is an outage. Until it is over,
//     calls are made one at a time, by one row after another, with growing waits
//     between them: each is a probe. The first probe that is answered ends the outage,
//     and the tenant was the cause of the failures.
//   - There is no other row to make a call: the tenant is sent a read that it has
//     answered before. See [Run.askTenant].
//
// Reads and sets have separate histories: a tenant that can be read may accept no sets
// for a while.
type outages struct {
	lastUndecided atomic.Int64 // number of the last failure whose cause is not known, or 0
	ended         atomic.Int64 // outages that are over

	mu            sync.Mutex
	reads         callHistory
	sets          callHistory
	failedRows    []*task                     // rows that failed since any call was answered: at most outageRows
	both          bool                        // the outage is of reads and sets, and an answer to either ends it
	failures      int64                       // failures so far
	answers       int64                       // grows when a call is answered
	since         time.Time                   // when the outage began, or zero
	confirmed     bool                        // a probe has failed: the outage is certain
	total         time.Duration               // length of the outages that are over
	waits         *backoff.ExponentialBackOff // between probes
	changed       chan struct{}               // closed when waiting rows have to check again; nil if no row waits
	answeredRead  tenant.Cmdlet               // a read that was answered; its Name is "" if there is none
	asking        chan struct{}               // closed when the row in askTenant is done; nil if there is none
	askUnanswered bool                        // askTenant got no answer in this outage

	limiter *pace.Limiter
	longest time.Duration // how long an outage may take; 0 for any time
}

// A callStart says when a call began, in relation to failures and outages.
type callStart struct{ lastUndecided, outagesEnded int64 }

func (o *outages) callStart() callStart { return callStart{o.lastUndecided.Load(), o.ended.Load()} }

func (o *outages) history(c *tenant.Cmdlet) *callHistory {
	if c.Reads() {
		return &o.reads
	}
	return &o.sets
}

// active reports whether there is an outage, certain or not.
func (o *outages) active() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.since.IsZero()
}

// change returns a channel that is closed when a waiting row has to check again.
func (o *outages) change() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return o.changed
}

// wakeRows makes all waiting rows check again. The caller holds the lock.
func (o *outages) wakeRows() {
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}

// now returns the time by a clock that stops during outages.
func (o *outages) now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if !o.since.IsZero() {
		now = o.since
	}
	return now.Add(-o.total)
}

// answered notes that the tenant answered c, which began at m. If that ends an outage,
// it returns how long the outage was; otherwise 0.
func (o *outages) answered(m callStart, c *tenant.Cmdlet) time.Duration {
	k := o.history(c)
	if m.lastUndecided == 0 && o.lastUndecided.Load() == 0 && k.reached.Load() {
		return 0
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers++
	k.reached.Store(true)
	if c.Reads() && o.answeredRead.Name == "" {
		o.answeredRead = *c
	}
	switch {
	case k.outageAt == 0:
		k.failedRows, o.failedRows = k.failedRows[:0], o.failedRows[:0]
		k.decide(m.lastUndecided, causeRow)
		o.updateUndecided()
	case m.lastUndecided < k.outageAt: // it began before the outage
	case o.both:
		return o.end(causeTenant, o.failures, &o.reads, &o.sets)
	default:
		// Calls of the other kind failed meanwhile for the same reason, but were too
		// few for an outage.
		for _, other := range []*callHistory{&o.reads, &o.sets} {
			if other.outageAt == 0 {
				other.decide(o.failures, causeTenant)
			}
		}
		return o.end(causeTenant, o.failures, k)
	}
	return 0
}

// end ends the outage of each of kinds, if there is one, and sets the cause of their
// failures up to number n. It returns how long the outage was if it is over and was
// certain; otherwise 0.
func (o *outages) end(cause cause, n int64, kinds ...*callHistory) (took time.Duration) {
	for _, k := range kinds {
		k.decide(n, cause)
		k.failedRows, o.failedRows, k.outageAt = k.failedRows[:0], o.failedRows[:0], 0
	}
	o.wakeRows()
	if cause == causeTenant {
		o.ended.Add(1)
	}
	o.updateUndecided()
	if o.since.IsZero() || o.reads.outageAt != 0 || o.sets.outageAt != 0 {
		return 0
	}
	if o.confirmed {
		took = time.Since(o.since)
		o.total += took
	}
	o.since, o.confirmed, o.askUnanswered, o.both, o.waits = time.Time{}, false, false, false, nil
	o.limiter.EndProbing()
	return took
}

// updateUndecided sets lastUndecided.
func (o *outages) updateUndecided() {
	var last int64
	for _, k := range []*callHistory{&o.reads, &o.sets} {
		if n := len(k.undecided); n > 0 {
			last = max(last, k.undecided[n-1].n)
		}
	}
	o.lastUndecided.Store(last)
}

// failed notes that c, which began at m for t, did not reach the tenant. probe reports
// that the call was a probe of an outage.
func (o *outages) failed(m callStart, c *tenant.Cmdlet, t *task) (f *failure, probe bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m.outagesEnded != o.ended.Load() {
		t.tenantBlamed = true
		return &failure{task: t, cause: causeTenant}, false // it began in an outage
	}
	k := o.history(c)
	o.failures++
	f = &failure{n: o.failures, answers: o.answers, task: t}
	k.undecided = append(k.undecided, f)
	o.lastUndecided.Store(o.failures)
	add := func(rows []*task) []*task {
		if t.tenantBlamed { // this row may be one that always fails
			return rows
		}
		if len(rows) < outageRows && !slices.Contains(rows, t) {
			return append(rows, t)
		}
		return rows
	}
	if len(k.failedRows) == 0 {
		k.firstFailed = time.Now()
	}
	k.failedRows, o.failedRows = add(k.failedRows), add(o.failedRows)
	switch {
	case k.outageAt != 0:
		if probe = m.lastUndecided >= k.outageAt; probe {
			o.probeFailed()
		}
	case len(o.failedRows) == outageRows:
		o.both = true
		o.begin(&o.reads)
		o.begin(&o.sets)
	case len(k.failedRows) == outageRows:
		o.begin(k)
	}
	return f, probe
}

// begin begins an outage of the calls of k, unless there is one already.
func (o *outages) begin(k *callHistory) {
	if k.outageAt != 0 {
		return
	}
	k.outageAt = o.failures
	if o.since.IsZero() {
		o.since, o.waits = time.Now(), retryWaits(maxProbeWait)
		o.limiter.BeginProbing(0)
	}
	if len(k.failedRows) > 0 && k.firstFailed.Before(o.since) {
		o.since = k.firstFailed
	}
}

// reached reports whether the tenant has answered any call.
func (o *outages) reached() bool { return o.reads.reached.Load() || o.sets.reached.Load() }

// probeFailed notes that a probe failed. The next one has to wait, but not longer than
// the outage may take.
func (o *outages) probeFailed() {
	o.confirmed = true
	wait, took := o.waits.NextBackOff(), time.Since(o.since)
	if o.longest > 0 {
		wait = min(wait, o.longest-took)
	}
	if !o.reached() {
		wait = min(wait, maxFirstOutage-took)
	}
	o.limiter.BeginProbing(wait)
}

// askAnswered notes that the tenant answered c, a read of [Run.askTenant] that began at
// m. If that ends an outage, it returns how long the outage was; otherwise 0.
func (o *outages) askAnswered(m callStart, c *tenant.Cmdlet) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers++
	o.reads.reached.Store(true)
	if o.answeredRead.Name == "" {
		o.answeredRead = *c
	}
	switch {
	case o.askUnanswered:
		return o.end(causeTenant, o.failures, &o.reads, &o.sets)
	case o.confirmed:
		o.blameTenantOnce()
	}
	return o.end(causeRow, m.lastUndecided, &o.reads, &o.sets)
}

// askFailed notes that the tenant did not answer a read of [Run.askTenant].
func (o *outages) askFailed() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begin(&o.reads)
	o.begin(&o.sets)
	o.askUnanswered, o.both = true, true
	o.probeFailed()
}
