package tenant

import (
	"fmt"
	"strings"
	"time"
)

// A Class says what kind of failure an [Error] is. It is an error itself, so
// that errors.Is(err, tenant.NotFound) holds for an Error of that class.
type Class int

const (
	Failed       Class = iota // refused for good, for a reason of its own
	NotFound                  // the tenant has no such user
	Denied                    // the tenant refuses the caller this cmdlet for this user
	Unauthorized              // the tenant does not accept the caller, or can't itself be trusted: no call will fare better
	Throttled                 // too many calls: later
	Unavailable               // a lost connection or a fault of the moment: again
)

func (c Class) Error() string {
	return [...]string{"failed", "not found", "denied", "unauthorized", "throttled", "unavailable"}[c]
}

// An Error records a cmdlet that failed.
type Error struct {
	Op         string        // the cmdlet, such as "Set-CASMailbox"
	Object     string        // the user it was about
	Status     int           // HTTP status, or 0 if there was none
	Class      Class         // the kind of failure
	Exception  string        // the exception's class as the tenant names it, or ""
	AtOnce     bool          // Throttled: too many calls at once, not too many a second
	RetryAfter time.Duration // how long the tenant asked us to wait, or 0
	Err        error         // the cause: the tenant's message, or the network's
	Common     string        // what is wrong, and what to do about it, if every user's call ends like this, or ""

	// Unreachable is a fact about an error of class Unavailable: the call, or the
	// reply to it, did not get through, what is in front of the tenant answered in
	// its place, or the token was refused, for the moment. So it need not have to do
	// with the user: if the calls for others fail in this way too, it is an outage.
	Unreachable bool
}

// Error returns "op object: cause", with the HTTP status if there was one, or the
// cause alone if nobody has said yet what was done.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		fmt.Fprintf(&b, "%s %s: ", e.Op, e.Object)
	}
	fmt.Fprint(&b, e.Err)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is e's [Class].
func (e *Error) Is(target error) bool { return target == e.Class }

// Transient reports whether the same cmdlet may succeed if it is run again.
func (e *Error) Transient() bool { return e.Class == Throttled || e.Class == Unavailable }
