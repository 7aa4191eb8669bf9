package work

import (
	"context"
	"fmt"

	"rollcall/pipeline/job"
	"rollcall/tenant"
	"rollcall/tenant/connect"
)

// A leased Runner runs cmdlets only while its lease is held. A process that was stopped
// for longer than a lease lasts, and then goes on, runs none: another has the job.
type leased struct {
	tenant.Runner
	valid func() bool // the lease is held
	lost  func()      // ends the job
}

// Run returns [ErrLost] if the lease is not sure to be held.
func (l leased) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("%s %s: %w", c.Name, c.Identity, err)
	}
	return l.Runner.Run(ctx, c)
}

// Save saves the tenant's file, if it has one.
func (l leased) Save() error {
	s, ok := l.Runner.(interface{ Save() error })
	if !ok {
		return nil
	}
	if err := l.check(); err != nil {
		return err
	}
	return s.Save()
}

func (l leased) check() error {
	if l.valid() {
		return nil
	}
	l.lost() // before the row gets a result
	return ErrLost
}

// guarded returns an Opener whose tenants run cmdlets only while valid returns true.
// Otherwise it calls lost.
func guarded(open job.Opener, valid func() bool, lost func()) job.Opener {
	if open == nil {
		open = connect.Open
	}
	return func(s connect.Settings, o connect.Options) (*connect.Tenant, error) {
		t, err := open(s, o)
		if err != nil {
			return nil, err
		}
		t.Runner = leased{t.Runner, valid, lost}
		return t, nil
	}
}
