package pipeline

import (
	"context"
	"time"

	"rollcall/tenant"
)

// A ResultLog keeps the result of every row, recorded or not, where the loss of this
// machine can't reach it. Before a set, the run waits until it has the results of all rows
// whose places the row took: so of the sets that a lost machine has made, at most
// [Run.Workers] are unknown to it, apart from those that failed and are repeated.
//
// Its methods are called from several goroutines at once.
type ResultLog interface {
	// Finished adds the result of a row. It does not wait.
	Finished(*Result)

	// Accepted adds that the tenant has accepted the set of a row, which is not finished
	// because the tenant does not show it yet. It does not wait.
	Accepted(*Result)

	// Added returns the number of additions so far.
	Added() int

	// Commit returns when the first n additions can't be lost. An error ends the run. If
	// an earlier Commit has failed, it returns the error at once.
	Commit(n int) error
}

// logFinished adds the result of t to the ResultLog, before another row is begun in its
// place.
func (r *Run) logFinished(t *task) {
	if r.ResultLog == nil || t.cutShort != nil || t.fromEarlier() {
		return
	}
	if t.Finished.IsZero() {
		t.Finished = time.Now()
	}
	r.ResultLog.Finished(&t.Result)
}

// tookPlace notes that t has a place in the pool: what other rows added before must be
// safe before t's next set.
func (r *Run) tookPlace(t *task) {
	if r.ResultLog != nil {
		t.after = r.ResultLog.Added()
	}
}

// commit waits until what has to be safe before t runs c is safe. If it can't be, c must
// not be run.
func (r *Run) commit(t *task, c *tenant.Cmdlet) error {
	if r.ResultLog == nil || c.Reads() {
		return nil
	}
	if err := r.ResultLog.Commit(t.after); err != nil {
		return &runError{err}
	}
	return nil
}

// park is [pool.park]. Another row may be begun in t's place, so that it first logs that
// t's set was accepted.
func (r *Run) park(ctx context.Context, t *task, d time.Duration, over <-chan struct{}) error {
	if r.ResultLog != nil && t.accepted && !t.logged {
		t.logged = true
		r.ResultLog.Accepted(&t.Result)
	}
	err := r.pool.park(ctx, t, d, over)
	r.tookPlace(t)
	return err
}
