package job

import (
	"context"
	"slices"
	"time"

	"rollcall/pipeline/roster"
	"rollcall/tenant/connect"
)

// An Inspection is what a job would do, as far as that is known without a call to
// the tenant.
type Inspection struct {
	Kind    string   // audit, apply or undo
	Noun    string   // the setting
	Change  string   // what is wanted of it
	Moved   []string // the properties that the change moves besides
	Befores bool     // the values before are known of every user ahead of the set

	Roster       roster.Description
	RosterSHA256 string

	Settings connect.Settings // of the tenant, complete
	Tenant   string           // its name, for people
	Real     bool             // it is no sandbox
	Unnamed  bool             // it is the sandbox for want of a name
}

// Inspect reads the roster, opens the tenant without a call to it, and says what Run
// would do. It locks and writes nothing, and what it opens it closes. Its errors are
// those that Run would return as far as that; the Observers are told of what comes
// ahead of [Ready].
func (o Options) Inspect(ctx context.Context) (*Inspection, error) {
	j := &job{Options: o, ctx: ctx, started: time.Now()}
	defer func() {
		for _, close := range slices.Backward(j.closers) {
			close()
		}
	}()
	for _, step := range []func() error{j.check, j.openInput, j.decideChange, j.connect, j.checkTenant, j.openRoster} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return &Inspection{
		Kind: j.Kind, Noun: j.Change.Setting.Noun, Change: j.Change.String(), Moved: j.Change.Moved(), Befores: j.Befores,
		Roster: j.Users.Description(), RosterSHA256: j.rosterSHA256(),
		Settings: j.Settings, Tenant: j.Tenant.Name, Real: j.Tenant.Real, Unnamed: j.unnamed,
	}, nil
}
