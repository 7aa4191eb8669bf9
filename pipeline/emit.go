package pipeline

import (
	"maps"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline/roster"
)

// An emitter gives a Recorder the results in the order of their rows, and keeps
// count of them. It is one goroutine's.
type emitter struct {
	run   *Run
	rec   Recorder
	guard *watch
	done  *mailbox // tasks that come from the reader and the workers
	free  *mailbox // those that are recorded go there

	ring []*task // done and not yet recorded, by seq
	next int     // the seq to record next

	counts  Counts          // of the rows that the Recorder has for good
	pending Counts          // of those recorded since it last was flushed
	lines   []int           // of those pending, if earlier is not empty
	called  []int           // of those pending that calls were made for
	earlier map[int]Earlier // by line: what earlier runs have left of rows that are not recorded
	err     error           // why emit ended early
}

func (r *Run) newEmitter(done, free *mailbox, guard *watch, rec Recorder) *emitter {
	return &emitter{run: r, rec: rec, guard: guard, done: done, free: free, ring: make([]*task, Window), earlier: maps.Clone(r.Earlier)}
}

// emit records tasks as they come, until done is closed or the Recorder fails.
//
// It records nothing after a row that was cut short: a record behind a gap
// would be passed over by whoever goes on from there.
func (e *emitter) emit() (err error) {
	defer func() { e.err = err }()
	tick := time.NewTimer(flushEvery)
	defer tick.Stop()
	soon := true // tick is about to come
	for open := true; open; {
		select {
		case _, open = <-e.done.ready:
		case <-tick.C:
			if soon, err = e.keep(false); err != nil {
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
	_, err = e.keep(true)
	return err
}

// receive takes the tasks that have come, and reports whether there were any.
func (e *emitter) receive() bool {
	now := time.Now()
	first := e.done.take()
	for t := first; t != nil; t = t.next {
		if t.Finished.IsZero() {
			t.Finished = now
		}
		e.run.Stats.count(t)
		e.guard.see(t)
		e.ring[t.seq%Window] = t
	}
	return first != nil
}

// record records the tasks whose turn it is.
func (e *emitter) record() error {
	var first, last *task // of those recorded
	for {
		t := e.ring[e.next%Window]
		if t == nil || t.cut != nil {
			break
		}
		if t.Status.Bad() {
			e.run.Log.Info("row failed", zap.Int("line", t.Row.Line), zap.String("upn", t.Row.UPN),
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

// keep gets what was recorded to where it outlives the process, and what has not
// been recorded since the last time into the journal. The last time it is
// everything. It reports whether it is to be called again soon.
func (e *emitter) keep(last bool) (soon bool, err error) {
	if e.run.Journal != nil {
		for _, t := range e.ring {
			if t == nil || t.kept || t.cut != nil {
				continue
			}
			// Most rows that are out of turn now will not be a moment later.
			if !t.late && !last {
				t.late = true
				soon = true
				continue
			}
			t.kept = true
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

// finish counts what is not recorded once all else has ended, and tells a
// [JournalRecorder] of the results that the journal alone has. It returns the
// lines of the rows that calls were made for, and whose results nothing has.
func (e *emitter) finish() (open map[int]bool) {
	e.receive() // what came after emit had ended early
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
	}
	for _, t := range e.ring {
		switch {
		case t == nil:
		case t.kept && !t.recalled() && e.err == nil:
			journalled(&t.Result)
		case t.Attempts > 0:
			open[t.Row.Line] = true
		}
	}
	for line, left := range e.earlier {
		if left.Result == nil {
			open[line] = true
			continue
		}
		delete(open, line)
		r := *left.Result
		r.Row = roster.Row{Line: line, UPN: left.UPN}
		journalled(&r)
	}
	e.counts.InProgress = len(open)
	return open
}

// count adds what was done for t. A row that was cut short is not done, but its
// calls were made.
func (s *Stats) count(t *task) {
	if !t.recalled() { // or an earlier run made them
		s.Calls.Add(int64(t.Attempts))
		s.Retries.Add(int64(t.retries))
	}
	if t.cut == nil {
		s.Rows.Add(1)
		s.ByStatus[t.Status].Add(1)
	}
}
