package report

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// Diff writes, for people, what an audit found or a run did: a line with a sigil for each
// row that differs, was changed or failed, then the counts.
//
//	~ ada@contoso.com  PrivacyMode: opt-in -> opt-out
//	= cyd@contoso.com  as wanted; apply without … moves …
//	? eve@contoso.com  line 4: …
//	! bob@contoso.com  line 7: unreadable: …
//
// Rows that were as wanted are left out, unless a set of the same value would change
// another property. Diff is for one goroutine.
type Diff struct {
	Color bool     // paint sigils and values
	Quiet bool     // leave out rows that are as wanted at the end
	Moved []string // properties that change with the others

	// SetsAll is the command that also sets users who are as wanted.
	SetsAll string

	w          *bufio.Writer
	properties []string
}

// NewDiff returns a Diff that writes rows with these properties to w.
func NewDiff(w io.Writer, properties []string) *Diff {
	return &Diff{w: bufio.NewWriter(w), properties: properties}
}

// Record writes the line of a row, if it has one.
func (d *Diff) Record(r *pipeline.Result) error {
	p := palette(d.Color)
	switch {
	case r.Status == pipeline.Differs:
		fmt.Fprintf(d.w, "%s %s  %s\n", p.changed("~"), shown(r.Row.UPN), d.edits(r))
	case r.Status == pipeline.Same && !d.Quiet:
		if moved := d.moved(r, func(v *pipeline.Value) string { return v.Moves }); moved != nil {
			fmt.Fprintf(d.w, "= %s  as wanted; %s %s\n", shown(r.Row.UPN), d.SetsAll, strings.Join(moved, ", "))
		}
	case r.Status == pipeline.Applied && !d.Quiet:
		fmt.Fprintf(d.w, "%s %s  %s\n", p.changed("~"), shown(r.Row.UPN), d.made(r))
	case r.Status.IsFailure():
		d.bad(r, "")
	}
	return nil
}

// bad writes the line of a row that failed, with more at its end.
func (d *Diff) bad(r *pipeline.Result, more string) {
	p := palette(d.Color)
	if r.Status == pipeline.NotFound {
		fmt.Fprintf(d.w, "%s %s  line %d: %s%s\n", p.unknown("?"), shown(r.Row.UPN), r.Row.Line, shown(results.Remark(r)), more)
	} else {
		fmt.Fprintf(d.w, "%s %s  line %d: %s: %s%s\n", p.bad("!"), shown(r.Row.UPN), r.Row.Line, p.bad(r.Status.String()), shown(results.Remark(r)), more)
	}
}

// edits lists the properties that are not as wanted.
func (d *Diff) edits(r *pipeline.Result) string {
	p := palette(d.Color)
	var edits []string
	for i, v := range r.Values {
		if v.Wanted != "" && !v.Same {
			edits = append(edits, fmt.Sprintf("%s: %s -> %s", d.properties[i], p.old(shown(v.Before)), p.new(shown(v.Wanted))))
		}
	}
	return strings.Join(append(edits, d.moved(r, func(v *pipeline.Value) string { return v.Moves })...), ", ")
}

// made lists the properties that were set, with the values before if known.
func (d *Diff) made(r *pipeline.Result) string {
	p := palette(d.Color)
	var edits []string
	for i, v := range r.Values {
		switch {
		case v.Wanted == "" || v.Before != "" && strings.EqualFold(v.Before, v.After):
		case v.Before == "":
			edits = append(edits, fmt.Sprintf("%s: %s", d.properties[i], p.new(shown(v.After))))
		default:
			edits = append(edits, fmt.Sprintf("%s: %s -> %s", d.properties[i], p.old(shown(v.Before)), p.new(shown(v.After))))
		}
	}
	return strings.Join(append(edits, d.moved(r, func(v *pipeline.Value) string { return v.After })...), ", ")
}

// moved lists the properties that change together with the properties set: from the value
// before, if known, to the value that to returns.
func (d *Diff) moved(r *pipeline.Result, to func(*pipeline.Value) string) []string {
	p := palette(d.Color)
	var edits []string
	add := func(names []string, values []pipeline.Value) {
		for i := range values {
			v := &values[i]
			if i < len(names) && v.Moves != "" && v.Before != "" && to(v) != "" && !strings.EqualFold(v.Before, to(v)) {
				edits = append(edits, fmt.Sprintf("moves %s: %s -> %s", names[i], p.old(shown(v.Before)), p.new(shown(to(v)))))
			}
		}
	}
	add(d.properties, r.Values)
	add(d.Moved, r.Moved)
	return edits
}

// Flush writes what is buffered.
func (d *Diff) Flush() error { return d.w.Flush() }

// End writes the counts.
func (d *Diff) End(c *pipeline.Counts) error {
	if !d.Quiet || !c.AsWanted() {
		fmt.Fprintln(d.w, CountsText(c))
	}
	return d.w.Flush()
}

// shownLines is like shown, and keeps line ends.
func shownLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = shown(line)
	}
	return strings.Join(lines, "\n")
}

// Shown returns text that is safe on a terminal: with U+FFFD for each character that
// would change the text around it, including line ends.
func Shown(text string) string { return shown(text) }

// shown returns text with U+FFFD for each [unshowable] character.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if unshowable(r) {
			return '\ufffd'
		}
		return r
	}, text)
}

// unshowable reports whether r changes the text around it: a control character, a line
// break, or a mark of the direction of writing.
func unshowable(r rune) bool {
	switch {
	case r < ' ', 0x7f <= r && r < 0xa0, r == 0x061c, r == 0x200e, r == 0x200f,
		0x2028 <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069:
		return true
	}
	return false
}

// escapeLog returns lines of a log with JSON escapes for [unshowable] characters other
// than line ends and tabs. A JSON text keeps its meaning.
func escapeLog(lines []byte) []byte {
	odd := func(r rune) bool { return unshowable(r) && r != '\n' && r != '\t' }
	if bytes.IndexFunc(lines, odd) < 0 {
		return lines
	}
	var b bytes.Buffer
	for _, r := range string(lines) {
		if odd(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.Bytes()
}
