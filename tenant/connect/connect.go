// Package connect makes a tenant that is ready to be worked on from the settings
// that name it.
//
//	Settings ─ Open ─→ Tenant ─ SignIn ─→ ID, Run … ─ Save ─ Close
//	                      └ Steps, for who wants to know why it can't be reached
//
// [Open] makes no call: what it refuses is wrong in the settings, a [*SettingError],
// or a file that can't be read. What is missing for signing in is said by
// [Tenant.SignIn], for there may be no need to.
//
// Nothing here asks a person, prints, or looks for anything by itself. Who opens a
// tenant hands in what takes that, in [Options].
package connect

import (
	"context"
	"os"

	"go.uber.org/zap"

	"rollcall/tenant"
	"rollcall/tenant/sandbox"
)

// Options say what a tenant is opened for, and who is told what happens meanwhile.
// The functions may be nil, and are called by several goroutines at once.
type Options struct {
	Noun    string      // what the cmdlets are about
	Workers int         // how many of them are run at once
	Inherit []*os.File  // that processes which are started for the tenant have open
	Log     *zap.Logger // required

	Prompt func(text string) // shows a person what there is to do to sign in
	Warn   func(text string) // tells a person what is not as it should be
	Inform func(text string) // tells a person what takes its time
}

// A Tenant is one that cmdlets can be run on. The zero value of all but Runner will
// do for one that nobody has to sign in to.
type Tenant struct {
	tenant.Runner
	Name  string // for people
	Real  bool   // it is not the built-in sandbox: a change is a change
	Auth  string // how it is signed in to, as in [Settings]
	Steps []Step // what has to hold for a run to work, in the order to look

	signIn   func(context.Context) error
	canSet   func() error
	id       func(context.Context) (string, error)
	identity func() string
	caller   func() string
	close    func()
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

// SignIn finds out whether the tenant lets us in and, if something is to be
// changed, whether there is a way to.
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

// Title names the tenant to who is asked about it: with who has signed in where,
// once that is known.
func (t *Tenant) Title() string {
	if t.identity != nil {
		if whose := t.identity(); whose != "" {
			return t.Name + " (" + whose + ")"
		}
	}
	return t.Name
}

// Save puts what was changed into the tenant's file, if it has one. It is not to be
// called by who only reads: what another run keeps beside that file is left alone.
func (t *Tenant) Save() error {
	if s, ok := t.Runner.(interface{ Save() error }); ok {
		return s.Save()
	}
	return nil
}

// Close lets go of all that the tenant holds.
func (t *Tenant) Close() {
	if t.close != nil {
		t.close()
	}
}

// A connector makes a Tenant of what is asked for.
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
