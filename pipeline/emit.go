package pipeline

import (
	"time"

	"go.uber.org/zap"
)

// emit gives rec the tasks that come from done, in the order of their rows, and
// puts them back into free. It ends when done is closed, or rec fails.
//
// It records nothing after a row that was cut short: a record behind a gap
// would be passed over by whoever goes on from there.
func (r *Run) emit(done <-chan *task, free chan<- *task, rec Recorder) error {
	var (
		ring  = make([]*task, Window) // done and not yet recorded, by seq
		next  = 0                     // the seq to record next
		flush = time.NewTimer(flushEvery)
		armed = true // flush is running
	)
	defer flush.Stop()
	for {
		var t *task
		var ok bool
		select {
		case t, ok = <-done:
		default: // nothing to record for the moment
			select {
			case t, ok = <-done:
			case <-flush.C:
				armed = false
				if err := rec.Flush(); err != nil {
					return err
				}
				continue
			}
		}
		if !ok {
			return rec.Flush()
		}
		r.Stats.count(t)
		ring[t.seq%Window] = t
		for t := ring[next%Window]; t != nil && t.cut == nil; t = ring[next%Window] {
			ring[next%Window] = nil
			next++
			if t.Status.Bad() {
				r.Log.Info("row failed", zap.Int("line", t.Row.Line), zap.String("upn", t.Row.UPN),
					zap.Stringer("status", t.Status), zap.Error(t.Err))
			}
			if err := rec.Record(&t.Result); err != nil {
				return err
			}
			free <- t // has room: it had one for each task
			if !armed {
				armed = true
				flush.Reset(flushEvery)
			}
		}
	}
}

func (s *Stats) count(t *task) {
	s.Calls.Add(int64(t.Attempts))
	s.Retries.Add(int64(t.retries))
	if t.cut == nil {
		s.Rows.Add(1)
		s.ByStatus[t.Status].Add(1)
	}
}
