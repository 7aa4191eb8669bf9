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

// withBefore returns e, with the value before that an earlier entry of the row has.
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

// checkRecord returns an error if a record that ends at an offset is not one that the
// journal's run can have made. Up to the mark a checksum says what was written;
// behind it, what the journal has of the row does, which it keeps until the mark
// has passed. Of a journal that is damaged something may be missing.
func (j *journal) checkRecord(rec Record, cells []string, end int64, damaged bool) error {
	if j.mark != nil && end <= j.mark.Bytes {
		return nil
	}
	e, ok := j.entries[rec.Line]
	set := (&pipeline.Result{Status: rec.Status}).MaybeChanged() && j.manifest.Befores
	if ok && !e.recordedAs(rec, cells) || !ok && set && !damaged {
		return fmt.Errorf("line %d, %q, is not recorded as its journal has it: it was changed since the run wrote it", rec.Line, rec.UPN)
	}
	return nil
}

// recordedAs reports whether a record, which has these cells, says of the row what
// e does.
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

// isRecorded reports whether a cell of a results file is a text of a journal. What
// JSON and CSV do not keep to the letter can't be compared.
func isRecorded(text, cell string) bool {
	return strings.ReplaceAll(text, "\r\n", "\n") == UnescapeFormula(cell) || strings.ContainsRune(text, utf8.RuneError)
}
