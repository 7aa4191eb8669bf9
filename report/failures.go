package report

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/tenant"
)

const (
	mostReasons = 10  // reasons that are listed
	mostAlike   = 3   // rows with one reason that are listed
	mostReason  = 120 // characters of a reason
)

// Failures keep why rows failed, and the first rows of each reason, to list them at the
// end of a run. Of many rows with one reason the list has one line, so that they leave
// room for the other reasons. Failures are a [pipeline.JournalRecorder], for one
// goroutine. Their memory does not grow with the number of rows.
type Failures struct{ alike []*alikeRows } // in the order of their first rows

// alikeRows are the rows that failed for one reason.
type alikeRows struct {
	why   string // status and reason, with UPN and N in place of the user and a line
	n     int
	first []failedRow
}

// A failedRow is how a row and its reason are listed.
type failedRow struct{ line, why string }

// lineNumber matches what differs between the reasons of duplicates.
var lineNumber = regexp.MustCompile(`\bline [0-9]+`)

// Record adds a row, if it failed.
func (f *Failures) Record(r *pipeline.Result) error {
	if !r.Status.IsFailure() {
		return nil
	}
	text := reason(r)
	common := lineNumber.ReplaceAllString(text, "line N")
	if strings.Contains(r.Row.UPN, "@") { // what is shorter may be part of any word
		common = strings.ReplaceAll(common, r.Row.UPN, "UPN")
	}
	common = r.Status.String() + ": " + cutReason(common)
	i := slices.IndexFunc(f.alike, func(a *alikeRows) bool { return a.why == common })
	if i < 0 {
		if i = len(f.alike); i == mostReasons {
			return nil
		}
		f.alike = append(f.alike, &alikeRows{why: common})
	}
	a := f.alike[i]
	if a.n++; a.n <= mostAlike {
		a.first = append(a.first, failedRow{fmt.Sprintf("line %d: %s", r.Row.Line, r.Row.UPN), r.Status.String() + ": " + cutReason(text)})
	}
	return nil
}

// cutReason returns a reason, cut short if it is long.
func cutReason(text string) string {
	if runes := []rune(text); len(runes) > mostReason {
		return string(runes[:mostReason]) + "…"
	}
	return text
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
	f.alike = nil
	return true
}

// Lines returns the list, or nil if no row failed. Failed is the number of rows that
// failed, those of earlier runs included. File is the name of the file that has them all,
// or "".
func (f *Failures) Lines(failed int, file string) []string {
	if len(f.alike) == 0 {
		return nil
	}
	lines, more := f.list(mostAlike), failed
	if len(lines) > mostReasons {
		lines = f.list(1)
	}
	lines = append([]string{"failed:"}, lines...)
	for _, a := range f.alike {
		more -= a.n
	}
	if more > 0 {
		text := fmt.Sprintf("  and %d more", more)
		if file != "" {
			text += ", in " + shown(file)
		}
		lines = append(lines, text)
	}
	return lines
}

// list returns the lines of the rows kept: a line for each row if at most few rows have
// its reason, otherwise one for all rows with that reason.
func (f *Failures) list(few int) (lines []string) {
	for _, a := range f.alike {
		if a.n > few {
			var names []string
			for _, r := range a.first {
				names = append(names, r.line)
			}
			lines = append(lines, shown(fmt.Sprintf("  %d rows  %s (first %s)", a.n, a.why, strings.Join(names, ", "))))
			continue
		}
		for _, r := range a.first {
			lines = append(lines, shown(fmt.Sprintf("  %s  %s", r.line, r.why)))
		}
	}
	return lines
}
