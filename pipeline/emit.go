package pipeline

import (
	"maps"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline/roster"
)

// RowFailed is the message of the log's entry for a row that failed, which is a warning.
const RowFailed = "row failed"

// An emitter hands the results to a Recorder in the order of their rows, and counts
// them. One goroutine uses it.
type emitter struct {
	run  *Run
	rec  Recorder
	done *mailbox // tasks from the reader and the workers
	free *mailbox // for tasks that are recorded

	ring []*task // done and not yet recorded, by seq
	next int     // the seq to record next

	counts  Counts          // rows that the Recorder has flushed
	pending Counts          // rows recorded since the last flush
	lines   []int           // of the pending rows, if earlier is not empty
	called  []int           // lines of the pending rows that calls were made for
	earlier map[int]Earlier // by line: rows of earlier runs that are not recorded
	err     error           // why emit ended early
}

func (r *Run) newEmitter(done, free *mailbox, rec Recorder) *emitter {
	return &emitter{run: r, rec: rec, done: done, free: free, ring: make([]*task, Window), earlier: maps.Clone(r.Earlier)}
}

// emit records tasks as they come, until done is closed or the Recorder fails.
//
// It records nothing after a row that was cut short: a later run that resumes would
// skip that row if a record came after it.
func (e *emitter) emit() (err error) {
	defer func() { e.err = err }()
	tick := time.NewTimer(flushEvery)
	defer tick.Stop()
	soon := true // the next tick comes after flushEvery
	for open := true; open; {
		select {
		case _, open = <-e.done.ready:
		case <-tick.C:
			if soon, err = e.flush(false); err != nil {
				return err
			}
			if soon {
				tick.Reset(flushEvery)
			} else {
				tick.Reset(syncEvery)
			}
		}
		if e.receive() && !soon {
			soon = true
			tick.Reset(flushEvery)
		}
		if err := e.record(); err != nil {
			return err
		}
	}
	_, err = e.flush(true)
	return err
}

// receive takes the tasks that have arrived, and reports whether there were any.
func (e *emitter) receive() bool {
	now := time.Now()
	first := e.done.take()
	for t := first; t != nil; t = t.next {
		if t.Finished.IsZero() {
			t.Finished = now
		}
		e.run.Stats.count(t)
		e.ring[t.seq%Window] = t
	}
	return first != nil
}

// record records the tasks that are next in order.
func (e *emitter) record() error {
	var first, last *task // of the tasks recorded here
	for {
		t := e.ring[e.next%Window]
		if t == nil || t.cutShort != nil {
			break
		}
		if t.Status.IsFailure() {
			e.run.Log.Warn(RowFailed, zap.Int("line", t.Row.Line), zap.String("upn", t.Row.UPN),
				zap.Stringer("status", t.Status), zap.Error(t.Err))
		}
		if err := e.rec.Record(&t.Result); err != nil {
			return err
		}
		e.ring[e.next%Window] = nil
		e.next++
		e.pending.Recorded++
		e.pending.ByStatus[t.Status]++
		if len(e.earlier) > 0 {
			e.lines = append(e.lines, t.Row.Line)
		}
		if t.Attempts > 0 {
			e.called = append(e.called, t.Row.Line)
		}
		if last == nil {
			first = t
		}
		t.next, last = last, t
	}
	if last != nil {
		e.free.putAll(last, first)
	}
	return nil
}

// flush flushes the Recorder, and writes to the journal the tasks that are done and were
// not recorded since the previous flush; if last is set, all that are done. It reports
// whether it has to be called again soon.
func (e *emitter) flush(last bool) (soon bool, err error) {
	if e.run.Journal != nil {
		for _, t := range e.ring {
			if t == nil || t.journalled || t.cutShort != nil {
				continue
			}
			// Most rows that are out of order will be recorded a moment later.
			if !t.skippedOnce && !last {
				t.skippedOnce = true
				soon = true
				continue
			}
			t.journalled = true
			if err := e.run.Journal.Done(&t.Result); err != nil {
				return false, err
			}
		}
	}
	if err := e.rec.Flush(); err != nil {
		return false, err
	}
	e.counts.Add(&e.pending)
	e.pending = Counts{}
	for _, line := range e.lines {
		delete(e.earlier, line)
	}
	e.lines, e.called = e.lines[:0], e.called[:0]
	return soon, nil
}

// finish is called after everything else has ended. It counts the rows that are not
// recorded, and passes to a [JournalRecorder] the results that only the journal has. It
// returns the lines of the rows that calls were made for and that have no result, and
// whether one of them may have been set.
func (e *emitter) finish() (open map[int]bool, maybeSet bool) {
	e.receive() // tasks that arrived after emit ended early
	open = make(map[int]bool)
	rec, _ := e.rec.(JournalRecorder)
	journalled := func(r *Result) {
		delete(e.earlier, r.Row.Line)
		e.counts.Journalled++
		e.counts.ByStatus[r.Status]++
		if rec != nil {
			rec.Journalled(r)
		}
	}
	for _, line := range e.called {
		open[line] = true
		maybeSet = maybeSet || e.run.Stats.Tried.Load()
	}
	for _, t := range e.ring {
		switch {
		case t == nil:
		case t.journalled && !t.fromEarlier() && e.err == nil:
			journalled(&t.Result)
		case t.Attempts > 0:
			open[t.Row.Line] = true
			maybeSet = maybeSet || t.maybeSet || t.unsure
		}
	}
	for line, left := range e.earlier {
		if left.Result == nil {
			open[line], maybeSet = true, true
			continue
		}
		delete(open, line)
		r := *left.Result
		r.Row = roster.Row{Line: line, UPN: left.UPN}
		journalled(&r)
	}
	e.counts.InProgress = len(open)
	return open, maybeSet
}

// count adds t. For a row that was cut short it counts only the calls.
func (s *Stats) count(t *task) {
	if !t.fromEarlier() { // otherwise an earlier run made the calls
		s.Calls.Add(int64(t.Attempts))
		s.Retries.Add(int64(t.retries))
	}
	if t.cutShort == nil {
		s.Rows.Add(1)
		s.ByStatus[t.Status].Add(1)
	}
}
