// Package sandbox is a tenant of one's own: in memory or in a CSV file, in
// process or over HTTP. Nothing in Microsoft 365 is touched by it.
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
// A [Server] speaks the protocol of Exchange Online's InvokeCommand for a
// Tenant, with [Faults] to order. Each cmdlet gets a turn, be it a request of its
// own or a part of a batch:
//
//	request ─ token, limits ┬ cmdlet ──────────── turn ─ fault, Tenant ─ reply
//	                        ├ $batch ─┬ part ──── turn ─ fault, Tenant ─┬ reply
//	                        │         └ part ──── turn ─ fault, Tenant ─┘
//	                        ├ EXOModuleFile ───── which cmdlets there are
//	                        └ Viva Insights ───── turn ─ fault, Tenant ─ reply
//
// It also stands in for Entra ID, and signs in apps by a secret or a certificate
// and people by a device's code. It knows its tokens by their signature (HS256,
// by a key that it makes at the start) and the claim sandbox that they have, so
// that it keeps no list of them, only of those that a fault has spoilt. What is
// like Entra ID is what clients see: addresses, parameters, claims, errors and
// their numbers. Who signs in is not looked into beyond that: any client ID will
// do, and every app may do everything.
//
// The Server shares nothing with packages exchange and insights, the other end of
// these protocols, so that a mistake in one of them shows.
package sandbox

import (
	"context"
	"sync/atomic"

	"rollcall/tenant"
)

// A Tenant is users and their settings. It is safe for use by several
// goroutines at once.
type Tenant struct {
	// Warn is told of the warnings that Run's cmdlets give. It may be nil, and
	// is to be set before the first Run.
	Warn func(c tenant.Cmdlet, warning string)

	users users
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
// not say which user it is about: c does. (A [Server] adds that.)
func (t *Tenant) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r, err := t.run(c)
	if err != nil {
		return nil, err
	}
	if t.Warn != nil && r.unchanged {
		t.Warn(c, r.warning())
	}
	return r.view.objects, nil
}

// A result is what a cmdlet came to.
type result struct {
	noun      *noun
	user      user
	view      view // what the cmdlet wrote; none if it writes nothing
	unchanged bool // it was to change something, and there was nothing to change
}

// warning returns what the service says of a Set that changed nothing.
func (r *result) warning() string {
	return "The command completed successfully but no settings of '" + r.user.name + "' have been modified."
}

func (t *Tenant) run(c tenant.Cmdlet) (result, error) {
	n := lookup(c.Name)
	if n == nil {
		if err := c.Check(); err != nil {
			return result{}, failure(c, refuse(commandNotFound, err.Error()))
		}
		if n = t.other.Load(); n == nil || n.name != c.Noun() {
			n = generic(c.Noun())
			t.other.Store(n)
		}
	}
	if c.Identity == "" {
		return result{}, failure(c, refuse(binding, c.Check().Error()))
	}
	if c.Reads() {
		if err := n.checkGet(c.Parameters); err != nil {
			return result{}, failure(c, err)
		}
		u, ok := t.users.read(c.Identity)
		if !ok {
			return result{}, failure(c, notFound(c.Identity))
		}
		return result{noun: n, user: u, view: n.view(n, u)}, nil
	}

	u, did, err := t.users.update(c.Identity, n, c.Parameters)
	if err != nil {
		return result{}, failure(c, err)
	}
	if did == noUser {
		return result{}, failure(c, notFound(c.Identity))
	}
	r := result{noun: n, user: u, unchanged: did == unchanged}
	if n.setWrites {
		r.view = n.view(n, u)
	}
	return r, nil
}

// failure returns err, which tells of no cmdlet, as the error of c.
func failure(c tenant.Cmdlet, err error) error {
	e := *err.(*tenant.Error)
	e.Op, e.Object = c.Name, c.Identity
	return &e
}
