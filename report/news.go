package report

import (
	"fmt"
	"io"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// News writes what has changed since a [results.Baseline]: a line for each row or user
// with a change, then the counts.
//
//	~ bob@contoso.com  PrivacyMode: excluded -> opt-out, was opt-in -> opt-out
//	+ ada@contoso.com  PrivacyMode: opt-in -> opt-out
//	- cyd@contoso.com  as wanted, was PrivacyMode: opt-in -> opt-out
//	? dan@contoso.com  line 5: …
//	! eve@contoso.com  line 6: unreadable: …, was not-found
//	- fay@contoso.com  no longer in the roster, was unreadable
//
// It is for one goroutine.
type News struct {
	diff     *Diff
	baseline *results.Baseline
	counts   [len(kindsOfNews)]int
}

// Kinds of news.
const (
	newDifference = iota
	otherDifference
	resolved
	newFailure
	recovered
	gone
)

var kindsOfNews = [...]string{"new", "otherwise", "resolved", "failed", "recovered", "no longer in the roster"}

// NewNews returns a News that writes to w how an audit of the properties differs from
// the baseline.
func NewNews(w io.Writer, properties []string, b *results.Baseline, color, quiet bool) *News {
	d := NewDiff(w, properties)
	d.Color, d.Quiet = color, quiet
	return &News{diff: d, baseline: b}
}

// Changed reports whether anything has changed.
func (n *News) Changed() bool { return n.total() > 0 }

func (n *News) total() int {
	total := 0
	for _, count := range n.counts {
		total += count
	}
	return total
}

// Record writes the line of a row if it has changed.
func (n *News) Record(r *pipeline.Result) error {
	if r.Status == pipeline.Duplicate || r.Status == pipeline.Example {
		return nil
	}
	now := &results.Finding{UPN: r.Row.UPN, Status: r.Status, Values: r.Values}
	was := n.baseline.Match(now)
	if was == nil && r.Status == pipeline.Same || was != nil && was.Equal(now) {
		return nil
	}
	p, upn := palette(n.diff.Color), shown(r.Row.UPN)
	switch {
	case r.Status == pipeline.Same:
		kind := resolved
		if was.Status != pipeline.Differs {
			kind = recovered
		}
		n.counts[kind]++
		fmt.Fprintf(n.diff.w, "%s %s  as wanted%s\n", p.new("-"), upn, n.was(was))
	case r.Status != pipeline.Differs:
		n.counts[newFailure]++
		n.diff.bad(r, n.was(was))
	case was != nil && was.Status == pipeline.Differs:
		n.counts[otherDifference]++
		fmt.Fprintf(n.diff.w, "%s %s  %s%s\n", p.changed("~"), upn, n.diff.edits(r), n.was(was))
	default:
		n.counts[newDifference]++
		fmt.Fprintf(n.diff.w, "%s %s  %s%s\n", p.changed("+"), upn, n.diff.edits(r), n.was(was))
	}
	return nil
}

// was returns the end of a line: what the baseline has for the user.
func (n *News) was(f *results.Finding) string {
	switch {
	case f == nil:
		return ""
	case f.Status != pipeline.Differs:
		return ", was " + f.Status.String()
	}
	var edits []string
	for i, v := range f.Values {
		if v.Wanted != "" && !strings.EqualFold(v.Wanted, v.After) {
			edits = append(edits, fmt.Sprintf("%s: %s -> %s", n.diff.properties[i], shown(v.After), shown(v.Wanted)))
		}
	}
	return ", was " + strings.Join(edits, ", ")
}

// Flush writes what is buffered.
func (n *News) Flush() error { return n.diff.Flush() }

// End writes the users who are no longer in the roster, if every row was seen, then the
// counts, and how many users could not be read.
func (n *News) End(c *pipeline.Counts) error {
	w, complete := n.diff.w, c.Left() == 0
	if complete {
		n.baseline.Unmatched(func(f *results.Finding) {
			n.counts[gone]++
			fmt.Fprintf(w, "%s %s  no longer in the roster%s\n", palette(n.diff.Color).new("-"), shown(f.UPN), n.was(f))
		})
	}
	switch {
	case n.Changed():
		var counts []string
		for kind, count := range n.counts {
			if count > 0 {
				counts = append(counts, fmt.Sprintf("%d %s", count, kindsOfNews[kind]))
			}
		}
		if n.baseline.Missing {
			fmt.Fprintf(w, "first audit: %s\n", strings.Join(counts, ", "))
			break
		}
		fmt.Fprintf(w, "%s since %s: %s\n", pipeline.Plural(n.total(), "change"), n.baseline.Name(), strings.Join(counts, ", "))
	case n.baseline.Missing && !n.diff.Quiet && complete:
		fmt.Fprintln(w, "first audit: all is as wanted")
	case !n.diff.Quiet && complete:
		fmt.Fprintf(w, "nothing has changed since %s\n", n.baseline.Name())
	}
	// Of these it is not known whether anything has changed, however often that is so.
	if unread := c.ByStatus[pipeline.Unreadable]; unread > 0 {
		fmt.Fprintf(w, "%s could not be read\n", pipeline.Plural(unread, "user"))
	}
	return w.Flush()
}
