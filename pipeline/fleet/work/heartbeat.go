package work

import (
	"sync"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/job"
)

// beatEvery is how often a lease is told how far its job is.
const beatEvery = time.Second

// A heartbeat observes a job: it passes events on, and tells the lease how far the job is.
type heartbeat struct {
	t    *task
	over chan struct{}
	gone sync.WaitGroup
}

func (t *task) heartbeat() *heartbeat { return &heartbeat{t: t, over: make(chan struct{})} }

// Observe passes e on.
func (b *heartbeat) Observe(e job.Event) {
	b.t.observe(&b.t.lease.Job, e)
	if e, ok := e.(job.Started); ok {
		before, restored := e.Counts, int64(e.Counts.Journalled)
		if before.Recorded == 0 { // what is only in a journal is counted again
			before = pipeline.Counts{Total: before.Total}
		}
		b.gone.Go(func() { b.report(before, restored, e.Run) })
	}
}

// A speed is how fast rows are recorded. The first of them, as many as restored, are those
// of a journal, which take no time: they are left out.
type speed struct{ restored, last int64 }

// of returns rows a second since it was called last, when a time has passed and there are
// so many rows.
func (s *speed) of(rows int64, took time.Duration) float64 {
	done := max(rows, s.restored) - max(s.last, s.restored)
	s.last = rows
	return float64(done) / max(took.Seconds(), beatEvery.Seconds())
}

// report tells the lease how far a run is, of whose rows as many as restored are of a journal.
func (b *heartbeat) report(before pipeline.Counts, restored int64, run *pipeline.Run) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	speed, at := speed{restored: restored, last: run.Stats.Rows.Load()}, time.Now()
	for {
		rate := speed.of(run.Stats.Rows.Load(), time.Since(at))
		at = time.Now()
		b.t.lease.Progress(progressOf(before, run, rate))
		select {
		case <-tick.C:
		case <-b.over:
			return
		}
	}
}

// end ends the heartbeat. The job must have ended.
func (b *heartbeat) end() {
	close(b.over)
	b.gone.Wait()
}

// progressOf returns how far a run is that began with rows recorded before.
func progressOf(before pipeline.Counts, run *pipeline.Run, rate float64) fleet.Progress {
	c := before
	c.Recorded += int(run.Stats.Rows.Load())
	c.Journalled = 0
	for s := range c.ByStatus {
		c.ByStatus[s] += int(run.Stats.ByStatus[s].Load())
	}
	return fleet.Progress{Rows: fleet.RowsOf(&c), InProgress: int(run.Stats.InProgress()), RowsPerSecond: rate}
}
