package report

import (
	"errors"
	"rollcall/pipeline"
	"time"
)

// An entry is what a journal has of a row.
type entry struct {
	Line        int              `json:"line"`
	UPN         string           `json:"upn"`
	Wanted      []string         `json:"wanted"`                 // by property
	Before      []string         `json:"before,omitempty"`       // by property, known ahead of a set that may have been sent
	MovedBefore []string         `json:"moved_before,omitempty"` // the same, of what is moved
	Done        bool             `json:"done,omitempty"`         // what follows is the row's result
	Status      string           `json:"status,omitempty"`
	Values      []pipeline.Value `json:"values,omitempty"`
	Moved       []pipeline.Value `json:"moved,omitempty"`
	Attempts    int              `json:"attempts,omitempty"`
	Note        string           `json:"note,omitempty"`
	Err         string           `json:"error,omitempty"`
	Finished    time.Time        `json:"finished,omitzero"`
}

// over returns e, with the value before that an earlier entry of the row has.
func (e entry) over(earlier entry) entry {
	if e.Before == nil && earlier.UPN == e.UPN {
		e.Before, e.MovedBefore = earlier.Before, earlier.MovedBefore
	}
	return e
}

func newEntry(r *pipeline.Result) entry {
	e := entry{Line: r.Row.Line, UPN: r.Row.UPN}
	for _, v := range r.Values {
		e.Wanted = append(e.Wanted, v.Wanted)
	}
	return e
}

// result returns what became of the row, or nil if that is not known.
func (e *entry) result() *pipeline.Result {
	status, err := pipeline.ParseStatus(e.Status)
	if !e.Done || err != nil {
		return nil
	}
	r := &pipeline.Result{Status: status, Values: e.Values, Moved: e.Moved, Attempts: e.Attempts, Note: e.Note, Finished: e.Finished}
	r.Row.Line, r.Row.UPN = e.Line, e.UPN
	if e.Err != "" {
		r.Err = errors.New(e.Err)
	}
	return r
}

// unverified returns the result of a row that was in progress.
func (e *entry) unverified() *pipeline.Result {
	r := &pipeline.Result{Status: pipeline.Unverified, Err: errors.New(InProgress), Finished: time.Unix(0, 0)}
	r.Row.Line, r.Row.UPN = e.Line, e.UPN
	for i, wanted := range e.Wanted {
		v := pipeline.Value{Wanted: wanted}
		if i < len(e.Before) {
			v.Before = e.Before[i]
		}
		r.Values = append(r.Values, v)
	}
	for _, before := range e.MovedBefore {
		r.Moved = append(r.Moved, pipeline.Value{Before: before})
	}
	return r
}
