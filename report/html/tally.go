package html

import (
	"io"
	"slices"
	"strings"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// A Tally is what an HTML report tells of the rows of a run: counts of what
// became of them, and the rows themselves as far as a person can read them. It
// is told of each row as the run goes, or by [Tally.Restore] of those of a file,
// and what it keeps does not grow with their number. It is for one goroutine.
type Tally struct {
	pipeline.Counts
	Attempts    int64     // calls made for the rows
	First, Last time.Time // when the first and the last of them was done

	properties []string
	moved      []string // properties that change with them
	moves      []moves  // by property
	columns    []*column
	list       rowList
}

// NewTally returns a Tally of the results that have this format.
func NewTally(f results.Format) *Tally {
	t := &Tally{properties: f.Properties, moved: f.Moved, moves: make([]moves, len(f.Properties)+len(f.Moved))}
	for i := range t.moves {
		t.moves[i].rows = make(map[move]int)
	}
	t.columns = countable(f)
	return t
}

// ListAll has the report list as many as [MostRows] of the rows, and not only what a
// person may read. It is to be called ahead of the first row.
func (t *Tally) ListAll() { t.list.most = MostRows }

// LeftOut returns how many rows are counted and not listed.
func (t *Tally) LeftOut() int { return t.Done() - t.list.n }

// Record adds a row, as a run hands it on.
func (t *Tally) Record(r *pipeline.Result) error {
	t.add(r, func(c *column) int { return c.inRoster })
	return nil
}

// Journalled adds a row whose result is in the journal alone.
func (t *Tally) Journalled(r *pipeline.Result) {
	t.Record(r)
}

// Restore adds the rows of a file.
func (t *Tally) Restore(r *results.Reader) error {
	var res pipeline.Result
	for {
		err := r.Read(&res)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		t.add(&res, func(c *column) int { return c.inFile })
	}
}

// add adds a row, of which cell says where a column's cell is.
func (t *Tally) add(r *pipeline.Result, cell func(*column) int) {
	t.Counts.Record(r)
	t.Attempts += int64(r.Attempts)
	if at := r.Finished; !at.IsZero() {
		if t.First.IsZero() || at.Before(t.First) {
			t.First = at
		}
		if at.After(t.Last) {
			t.Last = at
		}
	}
	for i := range r.Values {
		if i < len(t.moves) && r.Values[i].Wanted != "" {
			t.moves[i].add(moveOf(r, &r.Values[i]), r.Values[i].Wanted)
		}
	}
	for i := range r.Moved {
		v := &r.Moved[i]
		of := move{clip(v.Before, maxValue), clip(v.After, maxValue)}
		if r.Status == pipeline.Differs {
			of.to = clip(v.Wanted, maxValue) // what it would become
		}
		if i < len(t.moved) && of.to != "" {
			t.moves[len(t.properties)+i].add(of, "")
		}
	}
	class := classOf(r.Status)
	for _, c := range t.columns {
		if c.values == nil {
			continue
		}
		if i := cell(c); i < 0 {
			c.add(domain(r.Row.UPN), class)
		} else if i < len(r.Row.Cells) {
			c.add(strings.TrimSpace(r.Row.Cells[i]), class)
		}
	}
	t.list.add(r)
}

// A class is what statuses have in common that matters to who reads a report.
type class int

const (
	moved   class = iota // applied, or in an audit what would be
	settled              // it was as wanted
	bad                  // a person has to look at it
	aside                // a row that is none: a duplicate, an example
	classes = iota
)

func classOf(s pipeline.Status) class {
	switch {
	case s.IsFailure():
		return bad
	case s == pipeline.Applied || s == pipeline.Differs:
		return moved
	case s == pipeline.Unchanged || s == pipeline.Same:
		return settled
	}
	return aside
}

// A move is what became of one property of a row: from what to what. Either is
// empty if it was not read.
type move struct{ from, to string }

// moveOf returns the move of a row. In an audit it is to what is wanted.
func moveOf(r *pipeline.Result, v *pipeline.Value) move {
	switch r.Status {
	case pipeline.Differs:
		if v.Same {
			return move{clip(v.Before, maxValue), clip(v.Before, maxValue)}
		}
		return move{clip(v.Before, maxValue), clip(v.Wanted, maxValue)}
	case pipeline.Same, pipeline.Unchanged:
		return move{clip(v.After, maxValue), clip(v.After, maxValue)}
	}
	return move{clip(v.Before, maxValue), clip(v.After, maxValue)}
}

// Bounds of what is kept, so that a report is of a size that a person can read
// and a mail can carry, whatever is in the roster.
const (
	maxMoves  = 50  // of a property
	maxWanted = 6   // values wanted of a property, that are named
	maxValue  = 80  // characters of a value
	maxCell   = 300 // characters of any other text
)

// moves counts the moves of one property.
type moves struct {
	rows   map[move]int
	others int      // rows of moves beyond the first maxMoves
	wanted []string // what was wanted, as far as maxWanted
}

func (m *moves) add(of move, wanted string) {
	if wanted != "" && len(m.wanted) < maxWanted && !slices.Contains(m.wanted, clip(wanted, maxValue)) {
		m.wanted = append(m.wanted, keep(wanted, maxValue))
	}
	n, known := m.rows[of]
	switch {
	case known:
		m.rows[of] = n + 1
	case len(m.rows) < maxMoves:
		m.rows[move{strings.Clone(of.from), strings.Clone(of.to)}] = 1
	default:
		m.others++
	}
}

// domain returns the domain of a UPN, or "".
func domain(upn string) string {
	i := strings.LastIndexByte(upn, '@')
	if i < 0 {
		return ""
	}
	return strings.ToLower(upn[i+1:])
}
