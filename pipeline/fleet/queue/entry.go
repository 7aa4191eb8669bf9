package queue

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// An entry is what bucket jobs has of a job that is not ended. Every change of it is a
// swap: who changes it has seen what it was.
//
//	waiting ─ take ─▶ held by Worker ─▶ Ended ─▶ outcome is kept ─▶ entry is removed
//	   ▲                   │
//	   └─ Return, Reject ──┘
//
// A step is safe however its process ends: what is not done of the way behind Ended is
// done by whoever meets the entry.
type entry struct {
	Job
	Worker     string          `json:"worker,omitempty"` // that holds it
	LeaseID    string          `json:"lease,omitempty"`  // of the lease: no two are alike
	Epoch      uint64          `json:"epoch,omitempty"`  // how often it was taken
	Fresh      bool            `json:"fresh,omitempty"`  // it never was, whatever Epoch is
	Taken      uint64          `json:"taken,omitempty"`  // revision at which it was; 0 for that of the entry itself
	Since      time.Time       `json:"since"`            // by the clock of who wrote it, for people
	Progress   json.RawMessage `json:"progress,omitempty"`
	Rejections []rejection     `json:"rejections,omitempty"`
	Ended      bool            `json:"ended,omitempty"`
	Outcome    json.RawMessage `json:"outcome_of_job,omitempty"`
}

// A rejection says that a worker can't do a job.
type rejection struct {
	Worker string `json:"worker"`
	Reason string `json:"reason"`
}

// held reports whether a worker has, or had, a lease of the job.
func (e *entry) held() bool { return e.Worker != "" && !e.Ended }

// taken reports whether a worker ever had the job: then there may be a log of it.
func (e *entry) taken() bool { return e.Epoch > 0 && !e.Fresh }

// rejectedBy reports whether a worker can't do the job.
func (e *entry) rejectedBy(worker string) bool {
	return slices.ContainsFunc(e.Rejections, func(r rejection) bool { return r.Worker == worker })
}

// free has nobody hold the job.
func (e *entry) free() {
	e.Worker, e.LeaseID, e.Taken, e.Since = "", "", 0, time.Now().UTC()
}

// A keptOutcome is what bucket outcomes has of a job.
type keptOutcome struct {
	Epoch   uint64          `json:"epoch"`           // of the lease that ended so; a later one replaces it
	Fresh   bool            `json:"fresh,omitempty"` // no worker ever had the job
	Worker  string          `json:"worker,omitempty"`
	Since   time.Time       `json:"since"`
	Outcome json.RawMessage `json:"outcome"`
}

// outcomeKey returns the key of the outcome of a tenant's job.
func outcomeKey(fleet, tenant string) string { return fleet + "." + tenant }

// isComplete reports whether an outcome says that the job has recorded every row.
func isComplete(raw json.RawMessage) bool {
	var o struct {
		State string `json:"outcome"`
	}
	return json.Unmarshal(raw, &o) == nil && o.State == "complete"
}

// A fleetRecord is what bucket fleets has of a fleet.
type fleetRecord struct {
	Fleet
	Order         uint64          `json:"order,omitempty"`          // of its submission among all
	CancelOutcome json.RawMessage `json:"cancel_outcome,omitempty"` // of jobs that end because they are cancelled
	StopOutcome   json.RawMessage `json:"stop_outcome,omitempty"`   // of jobs that end because their fleet is stopped
}

// ends reports whether a job that is stopped for reason is not to be gone on with.
func ends(reason string) bool { return reason == StopCancelled || reason == StopFleet }

// endOutcome returns the outcome of a job that ends for reason without having begun.
func (r *fleetRecord) endOutcome(reason string) json.RawMessage {
	switch {
	case reason == StopFleet && r.StopOutcome != nil:
		return r.StopOutcome
	case reason == StopFleet:
		return json.RawMessage(`{"outcome":"guard","with_fleet":true}`)
	case r.CancelOutcome != nil:
		return r.CancelOutcome
	}
	return json.RawMessage(`{"outcome":"cancelled"}`) // by Control alone
}

// stopReason returns why the job of a tenant is not to be worked on, or "".
func (c *Control) stopReason(tenant string) string {
	switch {
	case c.Cancelled || slices.Contains(c.CancelledTenants, tenant):
		return StopCancelled
	case c.Stopped != "":
		return StopFleet
	case c.Paused || slices.Contains(c.PausedTenants, tenant):
		return StopPaused
	}
	return ""
}

// putEntry swaps the entry of a job.
func (q *Queue) putEntry(ctx context.Context, e entry, rev uint64) (uint64, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return 0, err
	}
	return q.swap(ctx, q.jobs, e.Key, b, rev)
}

// entryOf returns the entry of a job as it is now, or a marker of its deletion, with its
// revision.
func (q *Queue) entryOf(ctx context.Context, key string) (e entry, rev uint64, err error) {
	found, rev, err := q.marker(ctx, q.jobs, key)
	if err == nil && found != nil && found.Operation() == jetstream.KeyValuePut {
		err = json.Unmarshal(found.Value(), &e)
	}
	return e, rev, err
}
