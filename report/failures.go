package report

import (
	"errors"
	"fmt"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/tenant"
)

const (
	mostFailures = 10  // rows that are listed
	mostReason   = 120 // characters of a reason
)

// Failures keep the first rows that failed, to list them at the end of a run. They are a
// [pipeline.JournalRecorder], for one goroutine.
type Failures struct{ first []string }

// Record adds a row, if it failed.
func (f *Failures) Record(r *pipeline.Result) error {
	if r.Status.IsFailure() && len(f.first) < mostFailures {
		reason := []rune(reason(r))
		if len(reason) > mostReason {
			reason = append(reason[:mostReason], '…')
		}
		f.first = append(f.first, shown(fmt.Sprintf("line %d: %s  %s: %s", r.Row.Line, r.Row.UPN, r.Status, string(reason))))
	}
	return nil
}

// reason returns why a row failed, without its UPN, which the list has already.
func reason(r *pipeline.Result) string {
	text := results.Remark(r)
	if e, ok := errors.AsType[*tenant.Error](r.Err); ok && e.Op != "" {
		text = strings.Replace(text, e.Op+" "+e.Object+": ", "", 1)
	}
	return text
}

// Journalled is like Record, for a row that only the journal has.
func (f *Failures) Journalled(r *pipeline.Result) { f.Record(r) }

// Flush does nothing.
func (f *Failures) Flush() error { return nil }

// Restart forgets all rows.
func (f *Failures) Restart() bool {
	f.first = nil
	return true
}

// Lines returns the list of the rows kept, as lines, or nil if there are none. Failed is
// the number of rows that failed, those of earlier runs included. File is the name of the
// file that has them all, or "".
func (f *Failures) Lines(failed int, file string) []string {
	if len(f.first) == 0 {
		return nil
	}
	lines := []string{"failed:"}
	for _, line := range f.first {
		lines = append(lines, "  "+line)
	}
	if more := failed - len(f.first); more > 0 {
		text := fmt.Sprintf("  and %d more", more)
		if file != "" {
			text += ", in " + shown(file)
		}
		lines = append(lines, text)
	}
	return lines
}
