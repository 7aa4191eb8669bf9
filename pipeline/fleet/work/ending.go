package work

import (
	"context"
	"errors"
	"os"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/job"
	"rollcall/pipeline/lock"
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
// Worker may have recorded some: it ended before it had made them out of the log. Whoever
// ends such a job has to make them first.
func (t *task) isUnrecorded(o *fleet.Outcome) bool {
	return t.Remote && t.lease.Epoch > 1 && !o.Complete() && !t.hasResults()
}

func (t *task) hasResults() bool {
	_, err := os.Stat(t.results)
	return err == nil
}

// rowsSoFar returns the rows of the job as they were when a Worker, this one or the last,
// said so last. The log may have more.
func (t *task) rowsSoFar() fleet.Rows {
	p := fleet.Progress{Rows: fleet.Rows{ByStatus: map[string]int{}}}
	if err := t.lease.Last(&p); err != nil {
		t.log.Warn("it is not known how far the job is", zap.Error(err))
	}
	if p.Rows.Total == 0 {
		p.Rows.Total = t.lease.Rows
	}
	return p.Rows
}

// isHeldByLost reports whether err says that the tenant is locked by the Worker that the
// job was taken from: it is on this machine, and not gone yet.
func (t *task) isHeldByLost(err error, command string) bool {
	held, ok := errors.AsType[*lock.HeldError](err)
	return ok && t.Remote && t.lease.Epoch > 1 && held.IsBy(command)
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
