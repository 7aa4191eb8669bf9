package main

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"

	"rollcall/pipeline/fleet/queue"
)

// openQueue opens the queue of the fleet, which nobody else is at, since the results
// directory is claimed. Working ends when ctx does, or when the queue can't go on.
func (r *fleetRun) openQueue(ctx context.Context) (working context.Context, end func(), err error) {
	store := filepath.Join(r.dir, storeName)
	server, err := queue.Serve(ctx, queue.ServerOptions{Dir: store})
	if err == nil {
		if r.queue, err = server.Connect(ctx); err != nil {
			server.Close()
		}
	}
	if errors.Is(err, syscall.ENOSPC) {
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, &exit{status: exitError, err: err, hint: "the results and their journals are not in there: without " + store + " the same command goes on"}
	}
	working, cancel := server.WhileWorking(ctx)
	return working, func() { cancel(); r.queue.Close(); server.Close() }, nil
}

// submit puts the jobs that are left in the queue.
func (r *fleetRun) submit(ctx context.Context, left []*fleetJob) error {
	if len(left) == 0 {
		return nil
	}
	p := r.plan
	f := queue.Fleet{ID: p.Name, Name: p.Name, Run: p.Run, By: userName(), Parallel: p.Parallel, Takeover: p.Takeover}
	var jobs []queue.Job
	for i, j := range p.jobs {
		jobs = append(jobs, r.job(i, j))
	}
	var names []string
	for _, j := range left {
		names = append(names, j.Name)
	}
	return r.queue.Restart(ctx, f, jobs, names)
}

// job returns a tenant's job, number i of the fleet, as the queue has it.
func (r *fleetRun) job(i int, j *fleetJob) queue.Job {
	return queue.Job{Tenant: j.Name, Key: j.queueKey(r.plan.Name), Holds: j.holds(), Index: i, Run: r.plan.Run, Profile: j.Profile,
		Roster: j.Roster, RosterSHA256: r.record.Tenant(j.Name).RosterSHA256, Rows: j.found.Roster.Rows,
		Change: j.found.Change, Target: j.found.Tenant, Noun: j.found.Noun, Real: j.found.Real}
}
