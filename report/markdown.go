package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// Markdown writes the counts, and a table of the rows that failed or differ, for the
// summary of a CI job. Until End it keeps the first of these rows, [MarkdownRows] at
// most.
type Markdown struct {
	Quiet bool // write nothing if all is as wanted

	w     io.Writer
	title string
	diff  *Diff
	rows  []string
	more  int // rows that are not kept
}

// MarkdownRows and markdownCell bound the length of the table: CI services limit the
// size of a job's summary.
const (
	MarkdownRows = 1000
	markdownCell = 300
)

// NewMarkdown returns a Markdown with a title. Moved are the properties that change
// together with properties.
func NewMarkdown(w io.Writer, title string, properties, moved []string) *Markdown {
	d := NewDiff(io.Discard, properties)
	d.Moved = moved
	return &Markdown{w: w, title: title, diff: d}
}

// Record keeps the row if it failed or differs.
func (m *Markdown) Record(r *pipeline.Result) error {
	if !r.Status.IsFailure() && r.Status != pipeline.Differs {
		return nil
	}
	if len(m.rows) == MarkdownRows {
		m.more++
		return nil
	}
	what := results.Remark(r)
	if r.Status == pipeline.Differs {
		what = m.diff.edits(r)
	}
	m.rows = append(m.rows, fmt.Sprintf("| %d | %s | %s | %s |\n", r.Row.Line, markdown(r.Row.UPN), r.Status, markdown(what)))
	return nil
}

// Flush does nothing.
func (m *Markdown) Flush() error { return nil }

// End writes the title, the counts and the table.
func (m *Markdown) End(c *pipeline.Counts) error {
	if m.Quiet && c.AsWanted() {
		return nil
	}
	w := bufio.NewWriter(m.w)
	fmt.Fprintf(w, "### %s\n\n| status | rows |\n| --- | ---: |\n", markdown(m.title))
	for status, n := range c.ByStatus {
		if n > 0 {
			fmt.Fprintf(w, "| %s | %d |\n", pipeline.Status(status), n)
		}
	}
	fmt.Fprintf(w, "| all | %d |\n", c.Done())
	if c.Left() > 0 {
		fmt.Fprintf(w, "\nThe run was stopped before it was complete:\n\n")
		for _, line := range Unfinished(c, "") {
			fmt.Fprintf(w, "- %s\n", line)
		}
	}
	if len(m.rows) > 0 {
		fmt.Fprintf(w, "\n| line | user | status | what |\n| ---: | --- | --- | --- |\n")
		for _, row := range m.rows {
			w.WriteString(row)
		}
	}
	if m.more > 0 {
		fmt.Fprintf(w, "\nand %d more\n", m.more)
	}
	return w.Flush()
}

// markdown returns text for a cell of a table. Nothing in it is markup, a mention or a
// link in Markdown or HTML.
func markdown(text string) string {
	n := 0
	for i := range text {
		if n++; n > markdownCell {
			text = text[:i] + "…"
			break
		}
	}
	var b strings.Builder
	last := ' '
	for _, r := range shown(strings.Join(strings.Fields(text), " ")) {
		mention := r == '@' && !unicode.IsLetter(last) && !unicode.IsDigit(last)
		link := r == '/' && last == ':' || r == '.' && (last == 'w' || last == 'W') // https://, www.
		if mention || link || strings.ContainsRune("&<>|\\`*_[]~#$!{}", r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
		last = r
	}
	return b.String()
}
