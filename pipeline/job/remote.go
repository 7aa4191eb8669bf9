package job

import (
	"iter"

	"rollcall/pipeline/results"
)

// A Remote is a log of the job on another machine, with which the job can go on there, or
// anywhere, when this machine is lost with its disk.
//
// The job then begins without local files: it makes its results again from Messages. It
// needs [Options.Resume], and a directory in which there is no file called
// [Options.Results], no journal and no summary of it.
type Remote struct {
	Log results.Log

	// Messages are the messages that earlier executions of the job have appended to Log,
	// in order; nil for none. An error among them ends the job.
	Messages iter.Seq2[[]byte, error]
}

// restore makes the journal of the results from the messages of earlier executions. It
// returns how many there are.
func (j *job) restore() (messages int, err error) {
	earlier := j.Remote.Messages
	if earlier == nil {
		earlier = func(func([]byte, error) bool) {}
	}
	found, err := results.Restore(j.Results, earlier)
	if err != nil {
		return 0, err
	}
	j.onEnd(func() {
		if !j.recording { // the next job has to find nothing here, either
			results.RemoveRestored(j.Results)
		}
	})
	if found.Damage != "" {
		j.warn("%s: rows that it does not have are set again; those that are already as wanted get no value before", found.Damage)
	}
	return found.Messages, nil
}
