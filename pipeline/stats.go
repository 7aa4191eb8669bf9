package pipeline

import (
	"sync/atomic"
	"time"
)

// Stats counts what a run has done so far. It may be read at any time.
type Stats struct {
	busy        atomic.Int64 // workers that have a row, or look for one
	readBack    atomic.Int64 // rows that are being read back again because another value shows
	readTill    atomic.Int64 // when the last of these that began will stop, in Unix nanoseconds
	Rows        atomic.Int64 // rows done, recorded or not
	Calls       atomic.Int64 // calls made, of rows in progress only when they are done
	Retries     atomic.Int64 // calls that repeated a failed one
	Tried       atomic.Bool  // a set was sent, or was about to be sent
	Set         atomic.Bool  // a set was accepted, or its outcome is not known
	CaseDiffers atomic.Int64 // rows left alone because the value differs only in capitals
	ByStatus    [len(Statuses)]atomic.Int64
}

// InProgress returns how many rows workers have begun and not ended.
func (s *Stats) InProgress() int64 { return s.busy.Load() }

// raise sets a flag. A flag that is set already it only reads, which does not keep other
// cores from it.
func raise(flag *atomic.Bool) {
	if !flag.Load() {
		flag.Store(true)
	}
}

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
