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

// Statuses has the word of each Status.
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

// IsFailure reports whether a row of status s counts as failed.
func (s Status) IsFailure() bool {
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
	Moved    []Value   // one for each of [Change.Moved]
	Attempts int       // calls made for the row
	Note     string    // what a reader should know of a row that did not fail, or ""
	Err      error     // why the row failed or can't be used, or nil
	Finished time.Time // when the row was done, to a few milliseconds
}

// The error of a Failed row ends with one of these texts: whether the user may have been
// changed although the row failed. Undo looks for them in results files.
const (
	SetSent   = "a set was sent"
	NoSetSent = "no set was sent"
)

// MaybeChanged reports whether the run may have changed the user of the row: a set was
// accepted, or it was sent and its outcome is not certain.
func (r *Result) MaybeChanged() bool {
	switch r.Status {
	case Applied, Mismatch, Unverified:
		return true
	case Failed:
		return r.Err != nil && strings.Contains(r.Err.Error(), SetSent) || strings.Contains(r.Note, SetSent)
	}
	return false
}

// A Value is what is known of one property of one user, in the form of [tenant.Cell]. A
// field is "" if it is not known.
type Value struct {
	Wanted string // the wanted value; "" if the row leaves the property alone
	Before string // the value read before the set
	After  string // the value read last
	Same   bool   // After is the same value as Wanted or, of a property that is moved, as Moves
	Moves  string `json:",omitempty"` // the value that the tenant gives it when the others are set; "" if it is not moved
}
