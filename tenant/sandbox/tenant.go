// Package sandbox is a tenant for tests and exercises, in memory or in a CSV file. It has no
// connection to Microsoft 365.
//
// A [Tenant] runs cmdlets as the service does. It looks up the [noun] of the cmdlet and the
// user that it names. By the noun's rules it then changes the user (Set) or returns the
// user's properties (Get):
//
//	Cmdlet ─ noun ┬ users ┬ everyone (New): all users there can be
//	              │       └ file (Load): those of a CSV file, until Save
//	              └ user ─ view ─ Objects
//
// A Set of a file's user survives a kill of the process: before it is answered, it is
// appended to a log beside the file (FILE.changes). Save writes the file and removes the
// log. Load repeats the changes of a log that it finds. See [LogName].
//
// Package server speaks the protocols of Microsoft 365 for a Tenant.
package sandbox

import (
	"context"
	"sync/atomic"
	"time"

	"rollcall/tenant"
)

// A Tenant is users and their settings. It is safe for use by several
// goroutines at once.
type Tenant struct {
	// Warn is called with the warnings of cmdlets. It may be nil. It must be set before
	// the first Run.
	Warn func(c tenant.Cmdlet, warning string)

	// Stale is how long a Get may show the values before a Set. It must be set before the
	// first Run.
	Stale time.Duration

	users users
	past  past
	other atomic.Pointer[noun] // the last noun without rules of its own; most often the next is the same
}

// users are the users of a Tenant.
type users interface {
	// read returns the user called name, in whatever case, and whether there
	// is one.
	read(name string) (u user, ok bool)
	// update sets the parameters ps of n for the user called name, and returns the user
	// after that. No other call changes the user meanwhile.
	update(name string, n *noun, ps []tenant.Parameter) (u user, did outcome, err error)
}

// An outcome is the result of an update.
type outcome int

const (
	noUser outcome = iota
	unchanged
	changed
)

// New returns a Tenant in memory. Every name is the name of a user, who is licensed and opted
// in, with all features on.
func New() *Tenant { return &Tenant{users: newEveryone()} }

// Run runs c as the service does.
//
// It may return the same Object several times. An Object has no property with the name of the
// user. (A service adds that: see [Tenant.Do].)
func (t *Tenant) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var a Answer
	if err := t.do(&c, &a); err != nil {
		return nil, err
	}
	if w := a.Warning(); w != "" && t.Warn != nil {
		t.Warn(c, w)
	}
	return a.Objects(), nil
}

// Do is like Run, and returns everything that a service needs for its reply. It does not
// call Warn.
func (t *Tenant) Do(c tenant.Cmdlet) (a Answer, err error) {
	err = t.do(&c, &a)
	return a, err
}

// do runs c and stores in a what came of it.
func (t *Tenant) do(c *tenant.Cmdlet, a *Answer) error {
	if t.Stale > 0 {
		return t.past.run(t, c, a)
	}
	return t.run(c, a)
}

func (t *Tenant) run(c *tenant.Cmdlet, a *Answer) error {
	n := lookup(c.Name)
	if n == nil {
		if err := c.Check(); err != nil {
			return failure(c, refuse(commandNotFound, err.Error()))
		}
		if n = t.other.Load(); n == nil || n.name != c.Noun() {
			n = generic(c.Noun())
			t.other.Store(n)
		}
	}
	if c.Identity == "" {
		return failure(c, refuse(binding, c.Check().Error()))
	}
	a.noun = n
	if c.Reads() {
		if err := n.checkGet(c.Parameters); err != nil {
			return failure(c, err)
		}
		var ok bool
		if a.user, ok = t.users.read(c.Identity); !ok {
			return failure(c, notFound(c.Identity))
		}
		a.shown = true
		return nil
	}
	var did outcome
	var err error
	if a.user, did, err = t.users.update(c.Identity, n, c.Parameters); err != nil {
		return failure(c, err)
	}
	if did == noUser {
		return failure(c, notFound(c.Identity))
	}
	a.shown, a.unchanged = n.setWrites, did == unchanged
	return nil
}

// failure returns err, which names no cmdlet, as the error of c.
func failure(c *tenant.Cmdlet, err error) error {
	e := *err.(*tenant.Error)
	e.Op, e.Object = c.Name, c.Identity
	return &e
}
