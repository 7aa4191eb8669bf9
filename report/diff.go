package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"rollcall/pipeline"
)

// Diff writes the text of an audit: a line for each row that needs a look, with
// a sigil ahead of it.
//
//	~ ada@contoso.com  PrivacyMode: opt-in -> opt-out
//	? eve@contoso.com  line 4: …
//	! bob@contoso.com  line 7: unreadable: …
//
// Rows that are as wanted are left out. Diff is for one goroutine.
type Diff struct {
	w          *bufio.Writer
	properties []string
}

// NewDiff returns a Diff of the properties, that writes to w.
func NewDiff(w io.Writer, properties []string) *Diff {
	return &Diff{bufio.NewWriter(w), properties}
}

// Record writes the line of a row, if it has one.
func (d *Diff) Record(r *pipeline.Result) error {
	switch {
	case r.Status == pipeline.Differs:
		fmt.Fprintf(d.w, "~ %s  %s\n", shown(r.Row.UPN), d.edits(r))
	case r.Status == pipeline.NotFound:
		fmt.Fprintf(d.w, "? %s  line %d: %s\n", shown(r.Row.UPN), r.Row.Line, shown(Remark(r)))
	case r.Status.Bad():
		fmt.Fprintf(d.w, "! %s  line %d: %s: %s\n", shown(r.Row.UPN), r.Row.Line, r.Status, shown(Remark(r)))
	}
	return nil
}

// edits lists the properties that are not as wanted.
func (d *Diff) edits(r *pipeline.Result) string {
	var edits []string
	for i, v := range r.Values {
		if v.Wanted != "" && !v.Same {
			edits = append(edits, fmt.Sprintf("%s: %s -> %s", d.properties[i], shown(v.Before), shown(v.Wanted)))
		}
	}
	return strings.Join(edits, ", ")
}

// Flush writes what is buffered.
func (d *Diff) Flush() error { return d.w.Flush() }

// shownLines is shown for text that may have several lines.
func shownLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = shown(line)
	}
	return strings.Join(lines, "\n")
}

// shown returns text with nothing in it that could move a terminal's cursor.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, text)
}
