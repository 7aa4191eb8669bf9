package pipeline

import (
	"time"

	"go.uber.org/zap"
)

// emit gives rec the tasks that come in done, in the order of their rows, and
// puts them into free. It ends when done is closed, or rec fails.
//
// It records nothing after a row that was cut short: a record behind a gap
// would be passed over by whoever goes on from there. In recorded it counts the
// records of rows that calls were made for.
func (r *Run) emit(done, free *mailbox, guard *watch, rec Recorder, recorded *int) error {
	var (
		ring = make([]*task, Window) // done and not yet recorded, by seq
		next = 0                     // the seq to record next
		tick = time.NewTimer(flushEvery)
		soon = true // tick is about to come
	)
	defer tick.Stop()
	for open := true; open; {
		select {
		case _, open = <-done.ready:
		case <-tick.C:
			var err error
			if soon, err = r.keep(ring, rec, false); err != nil {
				return err
			}
			if soon {
				tick.Reset(flushEvery)
			} else {
				tick.Reset(syncEvery)
			}
		}
		now := time.Now()
		for t := done.take(); t != nil; t = t.next {
			if t.Finished.IsZero() {
				t.Finished = now
			}
			r.Stats.count(t)
			guard.see(t)
			ring[t.seq%Window] = t
			if !soon {
				soon = true
				tick.Reset(flushEvery)
			}
		}
		var first, last *task // of those recorded
		for t := ring[next%Window]; t != nil && t.cut == nil; t = ring[next%Window] {
			ring[next%Window] = nil
			next++
			if err := r.record(rec, t); err != nil {
				return err
			}
			if t.Attempts > 0 && !t.kept {
				*recorded++
			}
			if last == nil {
				first = t
			}
			t.next, last = last, t
		}
		if last != nil {
			free.putAll(last, first)
		}
	}
	_, err := r.keep(ring, rec, true)
	return err
}

// keep gets what was recorded to where it outlives the process, and what has not
// been recorded since the last time, which is in ring, into the journal. The last
// time it is everything. It reports whether it is to be called again soon.
func (r *Run) keep(ring []*task, rec Recorder, last bool) (soon bool, err error) {
	if r.Journal != nil {
		for _, t := range ring {
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
			if err := r.Journal.Done(&t.Result); err != nil {
				return false, err
			}
		}
	}
	return soon, rec.Flush()
}

func (r *Run) record(rec Recorder, t *task) error {
	if t.Status.Bad() {
		r.Log.Info("row failed", zap.Int("line", t.Row.Line), zap.String("upn", t.Row.UPN),
			zap.Stringer("status", t.Status), zap.Error(t.Err))
	}
	return rec.Record(&t.Result)
}

// count adds what was done for t. A row that was cut short is not done, but its
// calls were made.
func (s *Stats) count(t *task) {
	if !t.kept { // or an earlier run made them
		s.Calls.Add(int64(t.Attempts))
		s.Retries.Add(int64(t.retries))
	}
	if t.cut == nil {
		s.Rows.Add(1)
		s.ByStatus[t.Status].Add(1)
	}
}
