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
		b.gone.Go(func() { b.beat(before, restored, e.Run) })
	}
}

// beat tells the lease how far a run is. Its first rows, as many as restored, are those of
// a journal: they are no rows of this lease's pace.
func (b *heartbeat) beat(before pipeline.Counts, restored int64, run *pipeline.Run) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	rows := func() int64 { return max(run.Stats.Rows.Load(), restored) }
	last, at := rows(), time.Now()
	for {
		b.t.lease.Progress(progressOf(before, run, float64(rows()-last)/max(time.Since(at).Seconds(), beatEvery.Seconds())))
		last, at = rows(), time.Now()
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
