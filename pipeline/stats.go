package pipeline

import "sync/atomic"

// Stats counts what a run has done so far. It may be read at any time.
type Stats struct {
	begun       atomic.Int64 // rows that a worker began
	ended       atomic.Int64 // rows that a worker ended, done or cut short
	Rows        atomic.Int64 // rows done, recorded or not
	Calls       atomic.Int64 // calls made, of rows in progress only when they are done
	Retries     atomic.Int64 // calls that repeated a failed one
	Sets        atomic.Int64 // rows with a set that was accepted or whose outcome is not known
	Tried       atomic.Int64 // rows for which a set was sent or was about to be sent
	CaseDiffers atomic.Int64 // rows left alone because the value differs only in capitals
	ByStatus    [len(Statuses)]atomic.Int64
}

// InProgress returns how many rows workers have begun and not ended.
func (s *Stats) InProgress() int64 { return s.begun.Load() - s.ended.Load() }
