// Package connect opens the tenant that settings name.
//
//	Settings ─ Open ─→ Tenant ─ SignIn ─→ ID, Run … ─ Save ─ Close
//	                      └ Steps: checks that find out why it can't be reached
//
// [Open] makes no call. Its error is a [*SettingError], or a file that can't be read.
// [Tenant.SignIn] reports what is missing for signing in, because a run may not need to.
//
// This package asks no person, prints nothing, and looks for no settings by itself. Its
// caller gives it functions for that, in [Options].
package connect

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"rollcall/tenant"
	"rollcall/tenant/sandbox"
)

// Options say for what a tenant is opened, and have the functions that its messages go to.
// The functions may be nil, and are called by several goroutines at once.
type Options struct {
	Noun    string      // of the cmdlets
	Workers int         // how many cmdlets are run at once
	Inherit []*os.File  // files that processes which are started for the tenant inherit
	Log     *zap.Logger // required

	Prompt func(text string) // shows a person what to do to sign in
	Warn   func(text string) // shows a person a problem that ends nothing
	Inform func(text string) // shows a person what takes a long time
}

// A Tenant runs cmdlets. For a tenant that needs no sign-in, all fields except Runner may be
// zero.
type Tenant struct {
	tenant.Runner
	Name  string // for people
	Real  bool   // it is not the built-in sandbox: changes are real
	Auth  string // how it is signed in to, as in [Settings]
	Steps []Step // checks of what a run needs, in order

	signIn   func(context.Context) error
	canSet   func() error
	id       func(context.Context) (string, error)
	identity func() string
	caller   func() string
	close    func()
	spent    atomic.Pointer[func(wait time.Duration)]
}

// Open returns the tenant that s names. No call is made yet.
func Open(s Settings, o Options) (*Tenant, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	for _, f := range []*func(string){&o.Prompt, &o.Warn, &o.Inform} {
		if *f == nil {
			*f = func(string) {}
		}
	}
	c := &connector{Settings: s, Options: o}
	switch s.Tenant {
	case Exchange:
		return c.exchange()
	case PowerShell:
		return c.powershell()
	}
	return c.sandbox()
}

// SignIn signs in to the tenant. If change is set, it also checks that there is a cmdlet
// that sets.
func (t *Tenant) SignIn(ctx context.Context, change bool) error {
	if t.signIn != nil {
		if err := t.signIn(ctx); err != nil {
			return err
		}
	}
	if change && t.canSet != nil {
		return t.canSet()
	}
	return nil
}

// ID returns the ID of the tenant that was signed in to, or "" if that is not known.
func (t *Tenant) ID(ctx context.Context) (string, error) {
	if t.id == nil {
		return "", nil
	}
	return t.id(ctx)
}

// Title returns the name of the tenant for a question to a person, with the account that
// signed in once that is known.
func (t *Tenant) Title() string {
	if t.identity != nil {
		if whose := t.identity(); whose != "" {
			return t.Name + " (" + whose + ")"
		}
	}
	return t.Name
}

// WhenSpent makes the tenant call f when it says that it takes no other call for so long.
// Several goroutines call f at once. Of most tenants, that is never.
func (t *Tenant) WhenSpent(f func(wait time.Duration)) { t.spent.Store(&f) }

// Save writes the changes to the tenant's file, if it has one. It must not be called by a
// run that only reads: another run may keep its changes beside that file.
func (t *Tenant) Save() error {
	if s, ok := t.Runner.(interface{ Save() error }); ok {
		return s.Save()
	}
	return nil
}

// Close ends the tenant's connections and processes.
func (t *Tenant) Close() {
	if t.close != nil {
		t.close()
	}
}

// A connector makes the Tenant that its settings name.
type connector struct {
	Settings
	Options
	caller caller
}

func (c *connector) sandbox() (*Tenant, error) {
	users, name := sandbox.New(), "sandbox tenant"
	if file := c.File(); file != "" {
		name += " (" + file + ")"
		var err error
		if users, err = sandbox.Load(file); err != nil {
			return nil, err
		}
	}
	users.Warn = c.logWarning
	return &Tenant{
		Runner: users,
		Name:   name,
		Steps:  []Step{{Name: "tenant", Check: func(context.Context) (string, error) { return "the " + name + " is built in", nil }}},
	}, nil
}

// logWarning logs what a cmdlet warns of.
func (c *connector) logWarning(cmdlet tenant.Cmdlet, text string) {
	c.Log.Debug("warning", zap.String("cmdlet", cmdlet.Name), zap.String("identity", cmdlet.Identity), zap.String("text", text))
}
