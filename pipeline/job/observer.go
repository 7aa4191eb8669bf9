package job

import (
	"fmt"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/tenant/connect"
)

// An Observer gets the events of a job, in order. Observe is called from one goroutine at
// a time, except for a [Note] and a [Warning]. The job waits for it.
type Observer interface{ Observe(Event) }

// An Event is one of the types below.
type Event any

type (
	// Connected says that the tenant is open. No call was made yet.
	Connected struct {
		Tenant  *connect.Tenant
		Unnamed bool // it is the sandbox because no tenant was named
	}

	// Opened says that the roster was read. Manifest, Format and Counts of the Plan are
	// those of a new run.
	Opened struct{ *Plan }

	// Ready says that only approval is missing.
	Ready struct{ *Plan }

	// Started says that the run begins. Run has its progress; Outcome has what is known
	// so far.
	Started struct {
		*Plan
		Run     *pipeline.Run
		Outcome *results.Outcome
	}

	// Stopped says that the run makes no more calls. Its last records may not be on the
	// disk yet.
	Stopped struct{ Run *pipeline.Run }

	// Counting says that a run begins which only counts changes.
	Counting struct{ Run *pipeline.Run }

	// Warning is a problem that does not end the job: an error, or a text.
	Warning struct {
		Text string
		Err  error
	}

	// Note says what takes a long time.
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
