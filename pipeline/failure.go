package pipeline

import (
	"slices"
	"sync/atomic"
	"time"
)

// callHistory is what is known of all reads, or of all sets.
type callHistory struct {
	reached     atomic.Bool // a call has been answered
	undecided   []*failure  // cause not known yet, in order
	failedRows  []*task     // rows that failed since a call was answered: at most outageRows
	firstFailed time.Time   // when the first of them failed
	outageAt    int64       // number of the failure that began an outage, or 0 if there is none
}

// A failure is a call that did not reach the tenant.
type failure struct {
	n       int64
	answers int64 // outages.answers when it happened
	task    *task
	cause   cause
}

type cause int

const (
	causeUnknown cause = iota
	causeRow
	causeTenant
)

// decide sets the cause of the failures up to number n.
func (k *callHistory) decide(n int64, cause cause) {
	k.undecided = slices.DeleteFunc(k.undecided, func(f *failure) bool {
		if f.n <= n && f.cause == causeUnknown {
			f.cause = cause
			f.task.tenantBlamed = f.task.tenantBlamed || cause == causeTenant
		}
		return f.n <= n
	})
}

// blameTenantOnce sets the tenant as the cause of the failures of each row, but only once
// for a row: when several rows in a row have failed, either the tenant was away and is
// back, or the rows that are left are those that always fail.
func (o *outages) blameTenantOnce() {
	for _, k := range []*callHistory{&o.reads, &o.sets} {
		for _, f := range k.undecided {
			if !f.task.tenantBlamed {
				f.cause = causeTenant
			}
		}
	}
	for _, k := range []*callHistory{&o.reads, &o.sets} {
		for _, f := range k.undecided {
			f.task.tenantBlamed = true
		}
	}
}

// undecidedRows returns how many rows have failures whose cause is not known.
func (o *outages) undecidedRows() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	rows := make(map[*task]bool)
	for _, k := range []*callHistory{&o.reads, &o.sets} {
		for _, f := range k.undecided {
			rows[f.task] = true
		}
	}
	return len(rows)
}

// drop removes failures of a row whose call has ended.
func (o *outages) drop(t *task, failures []*failure) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t.tenantBlamed = false
	for _, k := range []*callHistory{&o.reads, &o.sets} {
		k.undecided = slices.DeleteFunc(k.undecided, func(f *failure) bool { return slices.Contains(failures, f) })
	}
	o.updateUndecided()
}

// judge returns the cause of the last of a row's failures, and how many of them count
// against the row's retries. Failures without an answered call between them count as
// one.
func (o *outages) judge(failures []*failure) (last cause, rows int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	answers := int64(-1)
	for _, f := range failures {
		last = f.cause
		if last == causeRow && f.answers != answers {
			rows++
			answers = f.answers
		}
	}
	return last, rows
}
