package job

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/pace"
	"rollcall/tenant"
)

// prepare sets up the run.
func (j *job) prepare() error {
	j.run = &pipeline.Run{
		Tenant:        j.Tenant,
		Change:        j.Change,
		Limiter:       pace.New(j.Rate),
		Workers:       j.Workers,
		Audit:         j.Audit,
		ReadFirst:     j.ReadFirst,
		Retries:       j.Retries,
		RowTimeout:    j.RowTimeout,
		VerifyTimeout: j.VerifyTimeout,
		Outages:       true,
		Stop:          j.stop,
		Guards:        j.Guards,
		Log:           j.Log,
		Earlier:       j.from.Earlier,
		Unsure:        j.from.Unsure,
	}
	j.loadPace()
	j.Tenant.WhenSpent(j.run.Limiter.Spent)
	if j.Audit {
		j.run.Tenant = tenant.ReadOnly(j.Tenant)
	}
	if j.file != nil && !j.file.Device() {
		j.run.Journal, j.run.ResultLog = j.file, j.file.ResultLog()
	}
	return nil
}

// loadPace makes the run begin with the limits that the last run on the tenant found.
func (j *job) loadPace() {
	if j.StateDir == "" || !j.Tenant.Real {
		return
	}
	known, err := pace.Load(j.StateDir, j.Settings.Identity(), j.Change.Setting.Noun)
	if err != nil {
		j.Log.Debug("pace", zap.Error(err))
	}
	j.run.Limiter.Assume(known)
}

// savePace saves the limits that the run found.
func (j *job) savePace() {
	if j.StateDir == "" || !j.Tenant.Real {
		return
	}
	if err := pace.Save(j.StateDir, j.Settings.Identity(), j.Change.Setting.Noun, j.run.Limiter.Limits()); err != nil {
		j.Log.Debug("pace", zap.Error(err))
	}
}

// countChanges counts the changes before the first write, if MaxChanges limits them. A
// diff has their number; otherwise it reads every user.
func (j *job) countChanges() error {
	found := j.Users.Description()
	if !j.MaxChanges.IsSet() || j.Audit {
		return nil
	}
	if j.Source != nil && !j.ReadFirst {
		return j.tooMany(found.Users, found.Rows+found.PassedOver)
	}
	counting := &pipeline.Run{
		Tenant: tenant.ReadOnly(j.Tenant), Change: j.Change, Limiter: j.run.Limiter, Workers: j.Workers, Audit: true,
		Retries: j.Retries, RowTimeout: j.RowTimeout, Outages: true, Stop: j.stop, Guards: j.Guards, Log: j.Log,
	}
	counting.Guards.Canary, counting.Guards.Limit = 0, 0
	j.counted = true
	j.observe(Counting{counting})
	var counts pipeline.Counts
	if err := counting.Do(j.ctx, j.Users.Rows(), &counts); err != nil {
		return err
	}
	if j.stopped() { // not all users were counted
		return ErrInterrupted
	}
	if why := counting.Stopped(); why != "" {
		return &GuardError{Guard: counting.StoppedBy(), Reason: "stopped while counting changes: " + why + "; nothing was changed"}
	}
	return j.tooMany(counts.ByStatus[pipeline.Differs], found.Users)
}

// tooMany returns an error if n changes of so many users are more than MaxChanges
// allows.
func (j *job) tooMany(n, users int) error {
	if !j.MaxChanges.Exceeded(n, users) {
		return nil
	}
	return &GuardError{Guard: "max-changes", Reason: fmt.Sprintf("%d of %s would change, more than %v: nothing was changed",
		n, pipeline.Plural(users, "user"), j.MaxChanges)}
}

// doRun carries out the run.
func (j *job) doRun() error {
	j.observe(Started{&j.Plan, j.run, j.outcome(nil)})
	var err error
	for _, o := range j.Outputs {
		if berr := o.Begin(j.run); err == nil {
			err = berr
		}
	}
	j.began = time.Now()
	if err == nil {
		err = j.run.Do(j.ctx, j.rows, j.recorder())
	}
	j.worked = time.Since(j.began)
	j.observe(Stopped{j.run})
	j.savePace()
	return err
}
