package pipeline

import (
	"fmt"
	"strings"
	"time"

	"rollcall/pipeline/roster"
)

// A Status is what became of a row: one word of a closed list.
type Status int

const (
	Applied    Status = iota // set, read back, and it is as wanted
	Unchanged                // read first, and it was as wanted: nothing was sent
	Mismatch                 // set, and reading back still shows another value
	Unverified               // set, and it could not be read back
	Failed                   // the set, or the read before it, failed for good
	NotFound                 // the tenant has no such user
	Denied                   // the tenant refuses this user
	Invalid                  // the row can't be used
	Duplicate                // the user is wanted the same way by an earlier row
	Conflict                 // the user is wanted another way by another row
	Stale                    // the value is not the one that was expected: nothing was sent
	Example                  // the example row of an Entra bulk template
	Same                     // audit: it is as wanted
	Differs                  // audit: it is not as wanted
	Unreadable               // audit: it could not be read
)

// Statuses are the words of the list, by Status.
var Statuses = [...]string{"applied", "unchanged", "mismatch", "unverified", "failed", "not-found", "denied",
	"invalid", "duplicate", "conflict", "stale", "example", "same", "differs", "unreadable"}

func (s Status) String() string { return Statuses[s] }

// ParseStatus returns the Status called name, in whatever case.
func ParseStatus(name string) (Status, error) {
	for i, s := range Statuses {
		if strings.EqualFold(s, name) {
			return Status(i), nil
		}
	}
	return 0, fmt.Errorf("status %q: want one of %s", name, strings.Join(Statuses[:], ", "))
}

// UnmarshalText is ParseStatus.
func (s *Status) UnmarshalText(text []byte) (err error) {
	*s, err = ParseStatus(string(text))
	return err
}

// Bad reports whether a row of status s counts as failed.
func (s Status) Bad() bool {
	switch s {
	case Mismatch, Unverified, Failed, NotFound, Denied, Invalid, Conflict, Stale, Unreadable:
		return true
	}
	return false
}

// A Result is what became of one row.
type Result struct {
	Row      roster.Row
	Status   Status
	Values   []Value   // one for each of [Change.Properties], in that order
	Moved    []Value   // one for each of [Change.Moved]; Wanted is what it is to become
	Attempts int       // calls made for the row
	Note     string    // what is worth knowing of a row that has no Err, or ""
	Err      error     // why the row failed or can't be used, or nil
	Finished time.Time // when the row was done, to a few milliseconds
}

// What the error of a Failed row ends with: whether the user may have been
// changed all the same. A results file says so in these words, and undo looks
// for them.
const (
	SetSent   = "a set was sent"
	NoSetSent = "no set was sent"
)

// MaybeChanged reports whether the user of a row may not be as before the run:
// the set was accepted, or sent and its outcome is not certain.
func (r *Result) MaybeChanged() bool {
	switch r.Status {
	case Applied, Mismatch, Unverified:
		return true
	case Failed:
		return r.Err != nil && strings.Contains(r.Err.Error(), SetSent) || strings.Contains(r.Note, SetSent)
	}
	return false
}

// A Value is what is known of one property of one user, as [tenant.Cell]; a
// field is empty if it is not known.
type Value struct {
	Wanted string // empty if the row leaves the property alone
	Before string // read ahead of the set
	After  string // read last
	Same   bool   // After is as wanted, compared as values
}
