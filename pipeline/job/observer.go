package job

import (
	"fmt"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/tenant/connect"
)

// An Observer is told what a job does, in order. Observe is called from one
// goroutine at a time, but for a [Note] and a [Warning], and the job waits for it.
type Observer interface{ Observe(Event) }

// An Event is one of the types below.
type Event any

type (
	// Connected is that the tenant is open. No call was made yet.
	Connected struct {
		Tenant  *connect.Tenant
		Unnamed bool // it is the sandbox for want of a name
	}

	// Opened is that the roster was read. Manifest, Format and Counts of the Plan
	// are those of a new run.
	Opened struct{ *Plan }

	// Ready is that only approval is missing.
	Ready struct{ *Plan }

	// Started is that the run begins. Run tells how far it is; Outcome is what there
	// is to say so far.
	Started struct {
		*Plan
		Run     *pipeline.Run
		Outcome *results.Outcome
	}

	// Stopped is that the run makes no more calls. What it did may not be on the disk
	// yet.
	Stopped struct{ Run *pipeline.Run }

	// Counting is that a run begins which only counts changes.
	Counting struct{ Run *pipeline.Run }

	// Warning is something that is not as it should be, and that ends nothing: an
	// error, or a text.
	Warning struct {
		Text string
		Err  error
	}

	// Note is something that takes its time.
	Note struct{ Text string }
)

func (j *job) observe(e Event) {
	for _, o := range j.Observers {
		o.Observe(e)
	}
}

func (j *job) warn(format string, args ...any) {
	j.observe(Warning{Text: fmt.Sprintf(format, args...)})
}
