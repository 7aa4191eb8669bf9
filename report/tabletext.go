package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"rollcall/tenant"
)

// Text writes the table in aligned columns. If they are wider than the terminal, which
// has so many columns, or 0 if there is none, it writes each value on a line of its own,
// after its name, and a blank line between records. Nothing is cut short.
func (t *Table) Text(w io.Writer, width int) error {
	var b bytes.Buffer
	t.aligned(&b)
	if width > 0 && slices.ContainsFunc(strings.Split(b.String(), "\n"), func(line string) bool {
		return utf8.RuneCountInString(strings.TrimRight(line, " ")) > width
	}) {
		b.Reset()
		t.listed(&b)
	}
	_, err := b.WriteTo(w)
	return err
}

// aligned writes a line for the columns and one for each record.
func (t *Table) aligned(b *bytes.Buffer) {
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(t.names(), "\t"))
	for _, r := range t.Records {
		cells := t.cells(r)
		for i := range cells {
			cells[i] = shown(cells[i])
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	tw.Flush()
}

// listed writes a line for each value that a record has.
func (t *Table) listed(b *bytes.Buffer) {
	longest, names := 0, t.names()
	for _, name := range names {
		longest = max(longest, utf8.RuneCountInString(name))
	}
	for i, r := range t.Records {
		if i > 0 {
			b.WriteByte('\n')
		}
		for j, c := range t.Columns {
			if v, ok := r[c]; ok {
				line := fmt.Sprintf("%-*s  %s", longest, names[j], shown(tenant.Text(v)))
				b.WriteString(strings.TrimRight(line, " ") + "\n")
			}
		}
	}
}

// names returns the names of the columns as they are shown: some are the tenant's.
func (t *Table) names() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = shown(c)
	}
	return names
}
