package html

import (
	"cmp"
	"fmt"
	"strings"

	"rollcall/pipeline"
)

// A pageView is what the template shows: texts in order, without invisible characters.
type pageView struct {
	Title, Headline, Lede string
	Alarm                 []string // warnings at the top of the page
	Facts                 []fact
	Tiles                 []tile
	Commands              []Command
	CommandNote           string
	Moves                 []moveTable
	MoveNote, After       string
	Legend                []legend
	Columns               []columnTable
	ColumnNotes           []string
	Pace                  *paceView
	Rows                  rowsView
	Made                  string
}

type fact struct {
	Name, Text, More string
	Time             string // RFC 3339, or "" if the fact is no time
	Code             bool   // the text is a command line
}

type tile struct {
	Class, Sigil, Word, Means string
	Count                     string
	Filter                    string // the status of the rows that are listed, or ""
}

// classNames are the names of the classes in the style sheet.
var classNames = [classes]string{moved: "moved", settled: "settled", bad: "bad", aside: "aside"}

// sigil returns the sigil of a status: that of [report.Diff] or, for rows that Diff leaves
// out, another.
func sigil(s pipeline.Status) string {
	switch {
	case s == pipeline.Applied:
		return "✓"
	case s == pipeline.Differs:
		return "~"
	case s == pipeline.NotFound:
		return "?"
	case s.IsFailure():
		return "!"
	case classOf(s) == settled:
		return "="
	}
	return "·"
}

// meanings explain each status to a reader who does not know rollcall.
var meanings = [...]string{
	pipeline.Applied:    "set, read back, and as wanted",
	pipeline.Unchanged:  "was as wanted, nothing was sent",
	pipeline.Mismatch:   "set, but the tenant still returns another value",
	pipeline.Unverified: "set, but could not be read back",
	pipeline.Failed:     "the set, or the read before it, failed",
	pipeline.NotFound:   "the tenant has no such user",
	pipeline.Denied:     "the tenant refuses this user",
	pipeline.Invalid:    "the row can’t be used",
	pipeline.Duplicate:  "an earlier row asks for the same",
	pipeline.Conflict:   "another row asks for something else",
	pipeline.Stale:      "no longer as expected, nothing was sent",
	pipeline.Example:    "the example row of a template",
	pipeline.Same:       "is as wanted",
	pipeline.Differs:    "is not as wanted, and would be set",
	pipeline.Unreadable: "could not be read",
}

// view returns the texts of the page.
func (p *Page) view() *pageView {
	v := &pageView{Alarm: p.alarm(), Facts: p.facts(), Pace: p.pace(), Rows: p.rows()}
	v.Headline, v.Lede = p.headline()
	v.Title = strings.TrimSpace(v.Rows.kindWord + " report")
	if name := cmp.Or(p.Roster, p.Source); name != "" {
		v.Title += " · " + visible(name)
	}
	v.Tiles = p.tiles()
	v.Commands = p.commands()
	v.CommandNote = "Run these commands in the directory where this report was made."
	if !p.Sandbox {
		v.CommandNote += " You may have to add flags for signing in, such as --auth or --profile."
	}
	v.Moves, v.MoveNote = p.moves()
	v.After = "After"
	if p.isAudit() {
		v.After = "Would be"
	}
	v.Legend = p.legend()
	v.Columns, v.ColumnNotes = p.columns()
	v.Made = "Made by rollcall"
	if p.Version != "" {
		v.Made += " " + p.Version
	}
	return v
}

// isAudit reports whether the rows are those of an audit.
func (p *Page) isAudit() bool {
	by := &p.Tally.ByStatus
	return p.Kind == "audit" || p.Kind == "" && by[pipeline.Same]+by[pipeline.Differs]+by[pipeline.Unreadable] > 0
}

// headline returns the result of the run in a sentence, and what it means in others.
func (p *Page) headline() (headline, lede string) {
	by, rows, failed := &p.Tally.ByStatus, p.Tally.Done(), p.Tally.Failed()
	counted := rows - by[pipeline.Duplicate] - by[pipeline.Example]
	what := amount(rows, "row")
	every := "Every row is as wanted"
	if p.Counts.Total > rows {
		what = "the " + what + " done so far"
		every = fmt.Sprintf("Only %s of %s so far, each as wanted", group(rows), amount(p.Counts.Total, "row"))
	}
	var parts []string
	if p.isAudit() {
		switch differs := by[pipeline.Differs]; {
		case counted == 0:
			headline = "No row was read"
		case differs > 0:
			headline = fmt.Sprintf("%s of %s would change", group(differs), what)
		case failed > 0:
			headline = "Nothing was found that would change"
		default:
			headline = every
		}
		parts = append(parts, "An audit only reads: nothing was changed.")
	} else {
		good := by[pipeline.Applied] + by[pipeline.Unchanged]
		switch {
		case counted == 0 && p.Counts.InProgress > 0:
			headline = "Stopped before the first result"
		case counted == 0:
			headline = "No row was changed"
		case good == counted:
			headline = every
		default:
			headline = fmt.Sprintf("%s of %s %s as wanted", group(good), what, verb(good, "is", "are"))
		}
	}
	if failed > 0 {
		parts = append(parts, fmt.Sprintf("%s %s a person’s attention.", amount(failed, "row"), verb(failed, "needs", "need")))
	}
	if n := rows - counted; n > 0 {
		parts = append(parts, fmt.Sprintf("%s %s left out: a duplicate or an example.", amount(n, "row"), verb(n, "was", "were")))
	}
	if p.Sandbox {
		parts = append(parts, "The tenant is a sandbox: nothing in Microsoft 365 was changed.")
	}
	return headline, strings.Join(parts, " ")
}

// alarm returns warnings without which a reader would misunderstand the report.
func (p *Page) alarm() []string {
	var alarm []string
	if p.Stopped != "" {
		alarm = append(alarm, "This run stopped before it was complete: "+visible(clip(p.Stopped, maxCell))+".")
	}
	if p.Undone != "" {
		alarm = append(alarm, "An undo of this run began on "+visible(p.Undone)+": users may be as they were before it.")
	}
	left := p.Counts.Total - p.Tally.Done()
	switch none := fmt.Sprintf("%s of %s %s no result", group(left), amount(p.Counts.Total, "row"), verb(left, "has", "have")); {
	case left <= 0:
	case p.Running:
		alarm = append(alarm, none+" yet: the run has not ended.")
	case p.Unaccounted:
		alarm = append(alarm, none+". It is not known which of them were in progress when the run ended.")
	default:
		alarm = append(alarm, fmt.Sprintf("%s: %s in progress when the run ended, %s not attempted.",
			none, group(p.Counts.InProgress), group(p.Counts.NotAttempted())))
	}
	switch n := p.Counts.InProgress; {
	case n == 0 || p.isAudit() || p.Running:
	case p.OnlyRead:
		alarm = append(alarm, verb(n, "The user of the row", "The users of the rows")+" in progress "+verb(n, "was", "were")+" not changed.")
	default:
		alarm = append(alarm, fmt.Sprintf("Up to %s of them may have been changed: %s in progress. Resume the run to find out.",
			amount(n, "user"), verb(n, "the row was", "the rows were")))
	}
	if n := p.Counts.Journalled; n > 0 && !p.Running {
		alarm = append(alarm, fmt.Sprintf("%s of this report %s only in the journal beside the results file, and not yet in the file.", amount(n, "row"), verb(n, "is", "are")))
	}
	for _, doubt := range p.Doubts {
		alarm = append(alarm, visible(clip(doubt, maxCell))+".")
	}
	return alarm
}

// tiles returns the counts by status, those that need a person's attention first.
func (p *Page) tiles() []tile {
	var tiles []tile
	for _, of := range []class{bad, moved, settled, aside} {
		for s, n := range p.Tally.ByStatus {
			if status := pipeline.Status(s); n > 0 && classOf(status) == of {
				tiles = append(tiles, tile{classNames[of], sigil(status), status.String(), meanings[s], group(n), ""})
				if len(p.Tally.list.byStatus[s]) > 0 {
					tiles[len(tiles)-1].Filter = status.String()
				}
			}
		}
	}
	if left := p.Counts.Total - p.Tally.Done(); left > 0 {
		tiles = append(tiles, tile{classNames[aside], "…", "no result", "in progress, or not attempted", group(left), ""})
	}
	return tiles
}

// commands returns the commands without invisible characters: others would not be what
// the reader sees and copies.
func (p *Page) commands() []Command {
	var all []Command
	for _, c := range p.Commands {
		if visible(c.Line) == c.Line {
			all = append(all, c)
		}
	}
	return all
}
