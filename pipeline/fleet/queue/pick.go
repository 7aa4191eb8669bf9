package queue

import (
	"time"
)

// An action is what a worker can do with an entry that nobody holds.
type action int

const (
	doNothing action = iota
	doTake           // and work on it
	doRelease        // what a worker that is gone held, and nobody is to go on with now
	doCancel         // end it, as its fleet is cancelled or stopped, and nobody has begun it
	doFinish         // end it, which its holder has begun to do
)

// A seenJob is an entry as it was seen last.
type seenJob struct {
	entry
	revision uint64
	seen     time.Time // when this revision was there at the latest, by this process's clock
}

// A seenFleet is a fleet with those of its jobs that have entries.
type seenFleet struct {
	fleetRecord
	jobs     []*seenJob // by Index
	revision uint64     // of its record
	version  uint64     // see View.Version
}

// A choice is what to do next.
type choice struct {
	action
	job   *seenJob
	fleet *seenFleet
}

// pick chooses what a worker is to do next at the time now. Of skip it chooses nothing.
// A worker without a name takes no jobs.
//
// Jobs come from the fleet that has the smallest share of what it may have at once,
// among those of one share from that which was submitted first; within a fleet in their
// order. A fleet whose share is whole gives none. What has to be tidied up comes first.
//
// If there is nothing to do, wake is when there may be without any change; zero if
// never.
func pick(fleets []*seenFleet, worker string, now time.Time, skip func(*seenJob) bool) (c choice, wake time.Time) {
	var best *seenJob
	var from *seenFleet
	var least int // jobs that from has running
	later := func(at time.Time) {
		if wake.IsZero() || at.Before(wake) {
			wake = at
		}
	}
	for _, f := range fleets {
		if !f.Accepted {
			continue
		}
		held, alive := 0, 0
		var waiting, abandoned *seenJob // the first of each
		for _, j := range f.jobs {
			over := j.seen.Add(f.Takeover)
			expired := !now.Before(over) // nothing was heard of its holder
			if j.held() {
				held++
				if !expired {
					alive++
				}
			}
			switch d := f.actionFor(j, worker, expired); {
			case d == doNothing && !expired && (j.Worker != "" || j.rejectedBy(worker)):
				later(over)
			case d == doNothing || d == doTake && worker == "" || skip(j):
			case d != doTake:
				return choice{d, j, f}, time.Time{}
			case j.held() && abandoned == nil:
				abandoned = j
			case !j.held() && waiting == nil:
				waiting = j
			}
		}
		free := abandoned // which takes nobody's place
		if waiting != nil && held < f.Parallel && (abandoned == nil || waiting.Index < abandoned.Index) {
			free = waiting
		}
		if free == nil {
			continue
		}
		if best == nil || f.before(alive, from, least) {
			best, from, least = free, f, alive
		}
	}
	if best != nil {
		return choice{doTake, best, from}, time.Time{}
	}
	return choice{}, wake
}

// before reports whether f, which has n jobs running, comes ahead of g, which has m.
func (f *seenFleet) before(n int, g *seenFleet, m int) bool {
	if x, y := n*g.Parallel, m*f.Parallel; x != y {
		return x < y
	}
	if f.Order != g.Order {
		return f.Order < g.Order
	}
	return f.ID < g.ID
}

// actionFor returns what a worker can do with a job of f, whose lease has expired or not.
func (f *seenFleet) actionFor(j *seenJob, worker string, expired bool) action {
	switch {
	case j.Worker != "" && !expired: // it is held, or about to be gone
		return doNothing
	case j.Ended:
		return doFinish
	}
	reason := f.stopReason(j.Tenant)
	switch {
	case ends(reason) && !j.taken():
		return doCancel
	case reason == "", ends(reason) && worker != "": // who takes it stores what there is of it
		if j.rejectedBy(worker) && !expired { // no other wants it either
			return doNothing
		}
		return doTake
	}
	if j.Worker != "" {
		return doRelease
	}
	return doNothing
}
