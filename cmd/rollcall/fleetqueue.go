package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rollcall/pipeline/fleet/queue"
)

// openQueue opens a queue of this process alone. What an earlier one has left of its own
// is of no use: the record and the results say what is done.
func (r *fleetRun) openQueue() (end func(), err error) {
	ctx, store := r.interrupts.ctx, filepath.Join(r.dir, storeName)
	refuse := func(err error) error {
		return &exit{status: exitError, err: fmt.Errorf("open the queue in %s: %w", store, err),
			hint: "the results and their journals are not in there: without " + store + " the same command goes on"}
	}
	if info, err := os.Lstat(store); err == nil && !info.IsDir() {
		return nil, refuse(errors.New("not a directory"))
	}
	if err := os.RemoveAll(store); err != nil {
		return nil, refuse(err)
	}
	server, err := queue.Serve(ctx, queue.ServerOptions{Dir: store})
	if err != nil {
		return nil, refuse(err)
	}
	if r.queue, err = server.Connect(ctx); err != nil {
		server.Close()
		return nil, refuse(err)
	}
	return func() { r.queue.Close(); server.Close() }, nil
}

// submit puts jobs in the queue.
func (r *fleetRun) submit(jobs []*fleetJob) error {
	if len(jobs) == 0 {
		return nil
	}
	p := r.plan
	all := make([]queue.Job, len(jobs))
	for i, j := range jobs {
		all[i] = queue.Job{Fleet: p.Name, Tenant: j.Name, Key: j.Name, Holds: j.found.Noun + " of the " + j.found.Tenant, Run: p.Run, Profile: j.Profile, Index: i,
			Roster: j.Roster, RosterSHA256: r.record.Tenant(j.Name).RosterSHA256, Rows: j.found.Roster.Rows,
			Change: j.found.Change, Target: j.found.Tenant, Noun: j.found.Noun, Real: j.found.Real}
	}
	return r.queue.Submit(r.interrupts.ctx, queue.Fleet{ID: p.Name, Name: p.Name, Run: p.Run, By: userName() + "@" + hostName(),
		Parallel: p.Parallel, Takeover: p.Takeover, Submitted: time.Now().UTC(), Tenants: len(all)}, all)
}
