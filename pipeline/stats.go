package pipeline

import "sync/atomic"

// Stats counts what a run has done so far. It may be read at any time.
type Stats struct {
	begun    atomic.Int64 // rows that calls are made for, or were
	ended    atomic.Int64 // those of them that are done, or were cut short
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
