package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
)

// Describe writes, for people, what was found in the roster called name: its description
// on one line, then the warnings, then the first of the rows that can't be used, and the
// first of the users of whom two rows ask for different things.
func Describe(w io.Writer, name string, d roster.Description) error {
	var b strings.Builder
	if n := d.Unusable(); n > 0 {
		fmt.Fprintf(&b, "%s: %d of %s can't be used: %s\n", name, n, pipeline.Plural(d.Rows, "row"), d)
	} else {
		fmt.Fprintf(&b, "%s: %s\n", name, d)
	}
	for _, warning := range d.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", warning)
	}
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range d.Rejections {
		fmt.Fprintf(tw, "  line %d\t%s\t%s\n", r.Line, shown(r.UPN), shown(r.Reason))
	}
	tw.Flush()
	if more := d.Rejected - len(d.Rejections); more > 0 {
		fmt.Fprintf(&b, "  and %d more\n", more)
	}
	for _, c := range d.Disputed {
		fmt.Fprintf(&b, "  lines %d and %d ask for different things for %s\n", c.Lines[0], c.Lines[1], shown(c.UPN))
	}
	if len(d.Disputed) > 0 && d.Conflicts > 2*len(d.Disputed) {
		fmt.Fprintf(&b, "  %d rows are in conflict in all\n", d.Conflicts)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
