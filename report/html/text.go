package html

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"rollcall/report"
)

// Text writes the page as text for a terminal, shorter and without the rows.
func (p *Page) Text(w io.Writer) error {
	v := p.view()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", report.CountsText(&p.Tally.Counts))
	for _, alarm := range v.Alarm {
		fmt.Fprintf(&b, "%s\n", alarm)
	}
	if p.By != "" {
		p.signatureText(&b, v.Facts)
	}
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, table := range v.Moves {
		fmt.Fprintf(tw, "\n%s\trows\tshare\n", table.Property)
		for _, m := range table.Moves {
			fmt.Fprintf(tw, "  %s -> %s\t%s\t%s\n", cmp.Or(m.From, "not read"), cmp.Or(m.To, "not read"), m.Count, m.Share)
		}
		if table.Others != "" {
			fmt.Fprintf(tw, "  others\t%s\t\n", table.Others)
		}
		if table.Unread != "" {
			fmt.Fprintf(tw, "  %s\n", table.Unread)
		}
	}
	tw.Flush()
	for _, c := range v.Columns {
		tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintf(tw, "\n%s\trows", c.Name)
		for _, l := range v.Legend {
			fmt.Fprintf(tw, "\t%s", l.Word)
		}
		fmt.Fprintln(tw)
		for _, value := range c.Values {
			fmt.Fprintf(tw, "  %s\t%s\t%s\n", cmp.Or(value.Value, c.Blank), value.Count, strings.Join(value.Counts, "\t"))
		}
		tw.Flush()
	}
	_, err := b.WriteTo(w)
	return err
}

// signatureText writes the facts that identify the recorded run.
func (p *Page) signatureText(w io.Writer, facts []fact) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw)
	for _, f := range facts {
		switch f.Name {
		case factAsked, factTenant, factNote, factRun, factRoster, factResults:
			text := f.Text
			if f.More != "" {
				text += ", " + f.More
			}
			fmt.Fprintf(tw, "%s\t%s\n", f.Name, text)
		}
	}
	tw.Flush()
}
