package report

import (
	"io"

	"rollcall/pipeline"
)

// A View is what standard output has of a run: of rows as they are recorded, and
// when it is over.
type View interface {
	pipeline.Recorder

	// End writes what can't be said before the end. It is called once, after
	// the last Record; complete says whether every row was recorded.
	End(s *Summary, complete bool) error
}

// Lined returns the results CSV as a View.
func Lined(w io.Writer, f Format) View { return lined{NewResults(w, f)} }

type lined struct{ *Results }

func (l lined) End(*Summary, bool) error { return l.Flush() }

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
