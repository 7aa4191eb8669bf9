package work

import (
	"context"
	"errors"
	"os"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/job"
	"rollcall/tenant"
	"rollcall/tenant/connect"
)

// errNoCalls ends a job that is to have results of what its log has, and no more.
var errNoCalls = errors.New("no call is to be made")

// isEnding reports whether the job is to be ended: it was cancelled, or stopped with its
// fleet.
func (t *task) isEnding() bool {
	select {
	case <-t.lease.Stop():
	default:
		return false
	}
	reason := t.lease.StopReason()
	return reason == queue.StopCancelled || reason == queue.StopFleet
}

// isUnrecorded reports whether a job that ends with o has no results here, though another
// Worker may have recorded some: it was stopped before it had made them out of the log.
func (t *task) isUnrecorded(o *fleet.Outcome) bool {
	if !t.Remote || t.lease.Epoch == 1 || o.State != fleet.Cancelled && !o.WithFleet {
		return false
	}
	_, err := os.Stat(t.results)
	return err != nil
}

// withoutCalls changes the options of a job so that it has results of what is in its log,
// and then, where its first call would be, ends by itself: end is called. It signs in
// nowhere, writes nothing to the tenant, and so needs no lock of it: dir has one.
func withoutCalls(o *job.Options, dir string, end func()) {
	open := o.Open
	if open == nil {
		open = connect.Open
	}
	o.Open = func(s connect.Settings, co connect.Options) (*connect.Tenant, error) {
		t, err := open(s, co)
		if err != nil {
			return nil, err
		}
		defer t.Close()
		return &connect.Tenant{Runner: refusing(end), Name: t.Name, Real: t.Real, Auth: t.Auth}, nil
	}
	// What was recorded stays so, whatever guards would say of it.
	o.Guards, o.MaxChanges = pipeline.Guards{MaxErrors: pipeline.Share{Percent: 100}}, pipeline.Share{}
	o.LockDir, o.StateDir = dir, ""
}

// A refusing Runner runs nothing, and ends the job before the row gets a result.
type refusing func()

func (end refusing) Run(context.Context, tenant.Cmdlet) ([]tenant.Object, error) {
	end()
	return nil, errNoCalls
}
