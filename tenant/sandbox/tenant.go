// Package sandbox is a tenant of one's own: in memory or in a CSV file. Nothing in Microsoft 365 is touched by it.
//
// A [Tenant] runs cmdlets as the service does. It looks up the [noun] that the
// cmdlet is about and the user that it names, and lets the noun's rules change
// the user (Set) or say what there is to say of them (Get):
//
//	Cmdlet ─ noun ┬ users ┬ everyone (New): all users there can be
//	              │       └ file (Load): those of a CSV file, until Save
//	              └ user ─ view ─ Objects
//
// What a Set of a file's user was answered with survives a kill of the process:
// each is appended to a log beside the file (FILE.changes) before it is answered.
// Save writes the file anew and removes the log, and Load makes the changes of a
// log that was left behind once more. See [LogName].
//
// Package server, below, speaks the protocols of Microsoft 365 for a Tenant.
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
	// Warn is told of the warnings that Run's cmdlets give. It may be nil, and
	// is to be set before the first Run.
	Warn func(c tenant.Cmdlet, warning string)

	// Stale is how long a Get may show what was before a Set. It is to be set
	// before the first Run.
	Stale time.Duration

	users users
	past  past
	other atomic.Pointer[noun] // the last noun without rules of its own; most often the next is the same
}

// users are those whom a Tenant knows.
type users interface {
	// read returns the user called name, in whatever case, and whether there
	// is one.
	read(name string) (u user, ok bool)
	// update sets what ps say of n for the user called name, and returns them
	// as they are then. Nobody else changes the user meanwhile.
	update(name string, n *noun, ps []tenant.Parameter) (u user, did outcome, err error)
}

// An outcome is what an update came to.
type outcome int

const (
	noUser outcome = iota
	unchanged
	changed
)

// New returns a Tenant in memory. It has every user there can be, each of them
// licensed, opted in, and with all features on.
func New() *Tenant { return &Tenant{users: newEveryone()} }

// Run runs c as the service does.
//
// An Object that it returns may be one that it has returned before, and does
// not say which user it is about: c does. (A service adds that: see [Tenant.Do].)
func (t *Tenant) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	a, err := t.Do(c)
	if err != nil {
		return nil, err
	}
	if w := a.Warning(); w != "" && t.Warn != nil {
		t.Warn(c, w)
	}
	return a.view.objects, nil
}

// Do is Run, with all that a service says of a cmdlet. It tells Warn nothing.
func (t *Tenant) Do(c tenant.Cmdlet) (Answer, error) {
	if t.Stale <= 0 {
		return t.run(c)
	}
	return t.past.run(t, c)
}

func (t *Tenant) run(c tenant.Cmdlet) (Answer, error) {
	n := lookup(c.Name)
	if n == nil {
		if err := c.Check(); err != nil {
			return Answer{}, failure(c, refuse(commandNotFound, err.Error()))
		}
		if n = t.other.Load(); n == nil || n.name != c.Noun() {
			n = generic(c.Noun())
			t.other.Store(n)
		}
	}
	if c.Identity == "" {
		return Answer{}, failure(c, refuse(binding, c.Check().Error()))
	}
	if c.Reads() {
		if err := n.checkGet(c.Parameters); err != nil {
			return Answer{}, failure(c, err)
		}
		u, ok := t.users.read(c.Identity)
		if !ok {
			return Answer{}, failure(c, notFound(c.Identity))
		}
		return Answer{noun: n, user: u, view: n.view(n, u)}, nil
	}

	u, did, err := t.users.update(c.Identity, n, c.Parameters)
	if err != nil {
		return Answer{}, failure(c, err)
	}
	if did == noUser {
		return Answer{}, failure(c, notFound(c.Identity))
	}
	a := Answer{noun: n, user: u, unchanged: did == unchanged}
	if n.setWrites {
		a.view = n.view(n, u)
	}
	return a, nil
}

// failure returns err, which tells of no cmdlet, as the error of c.
func failure(c tenant.Cmdlet, err error) error {
	e := *err.(*tenant.Error)
	e.Op, e.Object = c.Name, c.Identity
	return &e
}
