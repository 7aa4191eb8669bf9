package work

import (
	"errors"
	"fmt"
	"strings"

	"rollcall/pipeline/fleet/queue"
)

// ErrLost says that the lease of a job is no longer sure to be held.
var ErrLost = errors.New("another worker has the job, or may have it: the lease was not renewed in time")

// errGoesOn says that people had a job that was cancelled, or stopped with its fleet, go on
// before it had ended.
var errGoesOn = errors.New("it was to end, and goes on since")

// ErrDrained says that the Worker was stopped.
var ErrDrained = errors.New("the worker was stopped")

// A StoppedError says that people, or a limit of theirs, stopped a job.
type StoppedError struct {
	Reason string // queue.StopPaused, queue.StopCancelled or queue.StopFleet
}

func (e *StoppedError) Error() string {
	switch e.Reason {
	case queue.StopPaused:
		return "paused"
	case queue.StopCancelled:
		return "cancelled"
	}
	return "stopped with the fleet"
}

// An UnfitError says that no Worker could do a job.
type UnfitError struct {
	Reason  string   // of the last
	Workers []string // that could not
}

func (e *UnfitError) Error() string {
	return fmt.Sprintf("%s (no worker could do it: %s)", e.Reason, strings.Join(e.Workers, ", "))
}

// A RosterError says that the store does not have a file of a job as it was submitted.
type RosterError struct {
	Name string // as the fleet file has it
	Err  error
}

func (e *RosterError) Error() string { return "roster " + e.Name + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *RosterError) Unwrap() error { return e.Err }
