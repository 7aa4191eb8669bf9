package pipeline

import (
	"slices"
	"sync/atomic"
	"time"
)

// calls are what is known of the reads, or of the sets.
type calls struct {
	reached atomic.Bool // one has been answered
	open    []*failure  // undecided, in their order
	rows    []*task     // that have failed since one was answered: several at most
	first   time.Time   // when the first of them did
	down    int64       // number of the failure that made it an outage, or 0
}

// A failure is a call that did not get through.
type failure struct {
	n     int64
	spell int64 // it failed in
	task  *task
	whose verdict
}

type verdict int

const (
	undecided verdict = iota
	theRows
	theTenants
)

// decide says whose the failures up to number n were.
func (k *calls) decide(n int64, whose verdict) {
	k.open = slices.DeleteFunc(k.open, func(f *failure) bool {
		if f.n <= n && f.whose == undecided {
			f.whose = whose
			f.task.excused = f.task.excused || whose == theTenants
		}
		return f.n <= n
	})
}

// pardon has the failures of each row be the tenant's, unless they have just been
// so: several rows in a row failed, and it may be that the tenant is back, or that
// the rows that are left are those that always fail.
func (o *outages) pardon() {
	for _, k := range []*calls{&o.reads, &o.sets} {
		for _, f := range k.open {
			if !f.task.excused {
				f.whose = theTenants
			}
		}
	}
	for _, k := range []*calls{&o.reads, &o.sets} {
		for _, f := range k.open {
			f.task.excused = true
		}
	}
}

// inDoubt returns how many rows have failures that are undecided.
func (o *outages) inDoubt() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	rows := make(map[*task]bool)
	for _, k := range []*calls{&o.reads, &o.sets} {
		for _, f := range k.open {
			rows[f.task] = true
		}
	}
	return len(rows)
}

// forget drops failures of a row of which a call is done with.
func (o *outages) forget(t *task, failures []*failure) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t.excused = false
	for _, k := range []*calls{&o.reads, &o.sets} {
		k.open = slices.DeleteFunc(k.open, func(f *failure) bool { return slices.Contains(failures, f) })
	}
	o.note()
}

// judge returns whose the last of a row's failures was, and how many of them count
// as the row's: of those between which no call was answered, one.
func (o *outages) judge(failures []*failure) (last verdict, rows int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	spell := int64(-1)
	for _, f := range failures {
		last = f.whose
		if last == theRows && f.spell != spell {
			rows++
			spell = f.spell
		}
	}
	return last, rows
}
