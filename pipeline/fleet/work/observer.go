package work

import (
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
)

// An Observer is told what a Worker does: of each job [Began], then the events of the job
// itself, and then one of [Ended], [Returned], [Rejected] and [Lost]. Observe is called
// from several goroutines at once, and the job waits for it.
type Observer interface {
	Observe(j *queue.Job, e Event)
}

// An Event is one of the types below, or an event of package job.
type Event any

type (
	// Began says that the Worker has the job. Epoch is how many leases of it there were.
	Began struct{ Epoch uint64 }

	// Ended says what came of the job, which is on record.
	Ended struct{ fleet.Outcome }

	// Returned says that the job is free again, how far it came, and why.
	Returned struct {
		fleet.Outcome
		Why error
	}

	// Rejected says that this Worker can't do the job.
	Rejected struct{ Reason string }

	// Lost says that another Worker has the job, or may have it.
	Lost struct{}
)

func (r *workerState) observe(j *queue.Job, e Event) {
	if r.Observer != nil {
		r.Observer.Observe(j, e)
	}
}
