// Package report shows the progress and the results of a run: on a terminal, in text,
// CSV, JSON and Markdown, in a log, and as metrics.
//
// A [View] writes the rows to standard output: [Lined], [Diff], [News], [JSONRows] or
// [Markdown]. [CountsText], [Pace] and [Unfinished] return the closing lines, and
// [Failures] the first rows that failed. [Asked] describes in a sentence what a run asks
// for. [Console] is the only writer to standard error, for messages, log lines and the
// progress line, so that they do not mix. Package html makes the HTML report.
package report

import (
	"io"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// A View writes the rows of a run to standard output as they are recorded, and what is
// known only at the end.
type View interface {
	pipeline.Recorder

	// End writes what is known only at the end; c has the counts. It is called once,
	// after the last Record.
	End(c *pipeline.Counts) error
}

// Lined returns a View that writes the results CSV. For a terminal, characters that would
// change the text around them are shown as U+FFFD.
func Lined(w io.Writer, f results.Format, terminal bool) View {
	if terminal {
		w = showing{w}
	}
	return lined{results.NewWriter(w, f)}
}

// showing is a writer of whole records that makes them safe for a terminal.
type showing struct{ w io.Writer }

func (s showing) Write(p []byte) (int, error) {
	if _, err := io.WriteString(s.w, shownLines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

type lined struct{ *results.Writer }

func (l lined) End(*pipeline.Counts) error { return l.Flush() }

// A palette colors words for a terminal, if it is true. No information is in the color
// alone: a sigil or a word shows the same.
type palette bool

func (p palette) changed(text string) string { return p.paint("33", text) }
func (p palette) unknown(text string) string { return p.paint("35", text) }
func (p palette) bad(text string) string     { return p.paint("31", text) }
func (p palette) old(text string) string     { return p.paint("31", text) }
func (p palette) new(text string) string     { return p.paint("32", text) }

func (p palette) paint(code, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
