package tenant

import (
	"fmt"
	"strings"
	"time"
)

// A Class is a kind of failure. It is an error itself, so that
// errors.Is(err, tenant.NotFound) holds for an [Error] of that class.
type Class int

const (
	Failed       Class = iota // refused for a reason that no other class has: the same call fails again
	NotFound                  // the tenant has no such user
	Denied                    // the caller may not run this cmdlet for this user
	Unauthorized              // the tenant does not accept the caller, or its certificate can't be trusted: every call fails so
	Throttled                 // too many calls: the same one may succeed later
	Unavailable               // a lost connection or a transient fault: the same call may succeed later
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
	Common     string        // the cause, and what to do about it, if the calls for all users fail like this, or ""

	// Unreachable is set if an error of class Unavailable may have nothing to do with
	// the user: the call or the reply was lost, a gateway answered in place of the
	// tenant, or the token was refused and may be accepted later. If the calls for
	// other users fail in this way, too, it is an outage.
	Unreachable bool

	// Unsent is set if the cmdlet was refused before it ran, so that nothing was sent.
	Unsent bool
}

// Error returns "op object: cause", or the cause alone if Op is empty, with the HTTP
// status if there was one.
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
