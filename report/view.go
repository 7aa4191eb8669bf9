// Package report says what a run does and what came of it: on a terminal, in text,
// CSV, JSON and Markdown, in a log, and as metrics.
//
// A [View] is what standard output has of the rows: [Lined], [Diff], [News],
// [JSONRows] or [Markdown]. [CountsText], [Pace] and [Unfinished] are the closing
// lines, with [Failures], the first rows that failed. [Asked] is what is asked for, in
// a sentence. [Console] is the one way to standard error, for messages, log lines and the
// progress line alike, so that none garbles another. Package html has the report to
// look at.
package report

import (
	"io"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// A View is what standard output has of a run: of rows as they are recorded, and
// when it is over.
type View interface {
	pipeline.Recorder

	// End writes what can't be said before the end: c says where the rows stand.
	// It is called once, after the last Record.
	End(c *pipeline.Counts) error
}

// Lined returns the results CSV as a View. For a terminal, what would do something
// to the text around it is shown as U+FFFD.
func Lined(w io.Writer, f results.Format, terminal bool) View {
	if terminal {
		w = showing{w}
	}
	return lined{results.NewWriter(w, f)}
}

// showing takes whole records, and writes them as they may stand on a terminal.
type showing struct{ w io.Writer }

func (s showing) Write(p []byte) (int, error) {
	if _, err := io.WriteString(s.w, shownLines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

type lined struct{ *results.Writer }

func (l lined) End(*pipeline.Counts) error { return l.Flush() }

// A palette paints words for a terminal, if it is true. What a color says is
// said by a sigil or a word too.
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
