package results

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall/pipeline"
)

// An entry is what a journal has of a row.
type entry struct {
	Line        int              `json:"line"`
	UPN         string           `json:"upn"`
	Wanted      []string         `json:"wanted"`                 // by property
	Before      []string         `json:"before,omitempty"`       // by property, written before a set was sent
	MovedBefore []string         `json:"moved_before,omitempty"` // the same, of the properties that move
	Accepted    bool             `json:"accepted,omitempty"`     // the set was accepted; the row is read back
	Done        bool             `json:"done,omitempty"`         // the fields below are the row's result
	Status      string           `json:"status,omitempty"`
	Values      []pipeline.Value `json:"values,omitempty"`
	Moved       []pipeline.Value `json:"moved,omitempty"`
	Attempts    int              `json:"attempts,omitempty"`
	Note        string           `json:"note,omitempty"`
	Err         string           `json:"error,omitempty"`
	Finished    time.Time        `json:"finished,omitzero"`
}

// withBefore returns e with the values before of an earlier entry of the row, if e has none.
func (e entry) withBefore(earlier entry) entry {
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

// beforeEntry returns the entry of a row before its set.
func beforeEntry(r *pipeline.Result) entry {
	e := newEntry(r)
	for _, v := range r.Values {
		e.Before = append(e.Before, v.Before)
	}
	for _, v := range r.Moved {
		e.MovedBefore = append(e.MovedBefore, v.Before)
	}
	return e
}

// doneEntry returns the entry of a row that is done.
func doneEntry(r *pipeline.Result) entry {
	e := newEntry(r)
	e.Done, e.Status, e.Values, e.Moved, e.Attempts, e.Note, e.Finished = true, r.Status.String(), r.Values, r.Moved, r.Attempts, r.Note, r.Finished
	if r.Err != nil {
		e.Err = r.Err.Error()
	}
	return e
}

// result returns the row's result, or nil if the entry has none.
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

// unverified returns a result for a row that was in progress when the run ended.
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

// checkRecord returns an error if a record can't have been written by the journal's run. end
// is the offset after the record. Records before the mark are covered by its checksum;
// later ones are compared with their entry, which the journal keeps until the mark is
// past them. If the journal is damaged, entries may be missing.
func (j *journal) checkRecord(rec Record, cells []string, end int64, damaged bool) error {
	if j.mark != nil && end <= j.mark.Bytes {
		return nil
	}
	e, ok := j.entries[rec.Line]
	set := (&pipeline.Result{Status: rec.Status}).MaybeChanged() && j.manifest.Befores
	if ok && !e.recordedAs(rec, cells) || !ok && set && !damaged {
		return fmt.Errorf("the record of line %d, %q, is not as in its journal: the file was changed since the run wrote it", rec.Line, rec.UPN)
	}
	return nil
}

// recordedAs reports whether a record with these cells has the same user, status and
// values as e.
func (e *entry) recordedAs(rec Record, cells []string) bool {
	if !isRecorded(e.UPN, rec.UPN) || e.Done && e.Status != rec.Status.String() {
		return false
	}
	at := len(leading)
	for i := range e.Wanted {
		if at+2 >= len(cells) || !isRecorded(e.Wanted[i], cells[at+1]) || i < len(e.Before) && !isRecorded(e.Before[i], cells[at+2]) {
			return false
		}
		if i < len(e.Values) && (!isRecorded(e.Values[i].After, cells[at]) || !isRecorded(e.Values[i].Before, cells[at+2])) {
			return false
		}
		at += 3
	}
	for i := range max(len(e.MovedBefore), len(e.Moved)) {
		if at+1 >= len(cells) || i < len(e.MovedBefore) && !isRecorded(e.MovedBefore[i], cells[at+1]) {
			return false
		}
		if i < len(e.Moved) && (!isRecorded(e.Moved[i].After, cells[at]) || !isRecorded(e.Moved[i].Before, cells[at+1])) {
			return false
		}
		at += 2
	}
	return true
}

// isRecorded reports whether a cell of a results file is the same as a text of a journal.
// It ignores differences that come from writing the text as JSON or CSV.
func isRecorded(text, cell string) bool {
	return strings.ReplaceAll(text, "\r\n", "\n") == UnescapeCell(cell) || strings.ContainsRune(text, utf8.RuneError)
}
