package pipeline

import (
	"sync/atomic"
	"time"
)

// Stats counts what a run has done so far. It may be read at any time.
type Stats struct {
	begun    atomic.Int64 // rows that calls are made for, or were
	ended    atomic.Int64 // those of them that are done, or were cut short
	readBack atomic.Int64 // rows that are read back again, for as long as another value shows
	readTill atomic.Int64 // when the last of them to begin with that will be over, in Unix nanoseconds
	Rows     atomic.Int64 // rows done, recorded or not
	Calls    atomic.Int64 // calls made for them
	Retries  atomic.Int64 // calls among them that repeated one that had failed
	Sets     atomic.Int64 // rows whose user was set, or may have been: a set was not refused
	Tried    atomic.Int64 // rows that a set was made for, or was about to be
	ButCase  atomic.Int64 // rows that were read to be as wanted but for capitals, and left alone
	ByStatus [len(Statuses)]atomic.Int64
}

// InProgress returns how many rows are begun and not done.
func (s *Stats) InProgress() int64 { return s.begun.Load() - s.ended.Load() }

// ReadingBack returns how many rows are read back again because another value than
// the one set still shows, and how long that can go on for them.
func (r *Run) ReadingBack() (rows int64, most time.Duration) {
	return r.Stats.readBack.Load(), max(0, time.Until(time.Unix(0, r.Stats.readTill.Load())))
}

// Interrupted reports whether Stop has ended the run softly.
func (r *Run) Interrupted() bool {
	select {
	case <-r.Stop:
		return true
	default:
		return false
	}
}

// Stopping reports whether the run begins no more rows, because it is interrupted or
// because a guard has stopped it. It may be called at any time.
func (r *Run) Stopping() bool { return r.halted.Load() || r.Interrupted() }
