package html

import (
	"io"
	"slices"
	"strings"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// A Tally collects what an HTML report shows of the rows of a run: counts, and the rows
// themselves up to a maximum. Rows come from Record during the run, or from
// [Tally.Restore] for those of a file. Its memory does not grow with the number of rows.
// It is for one goroutine.
type Tally struct {
	pipeline.Counts
	Attempts    int64     // calls made for the rows
	First, Last time.Time // when the first and the last row were done

	properties []string
	moved      []string // properties that change together with properties
	moves      []moves  // by property
	columns    []*column
	list       rowList
}

// NewTally returns a Tally for results of this format.
func NewTally(f results.Format) *Tally {
	t := &Tally{properties: f.Properties, moved: f.Moved, moves: make([]moves, len(f.Properties)+len(f.Moved))}
	for i := range t.moves {
		t.moves[i].rows = make(map[move]int)
	}
	t.columns = countable(f)
	return t
}

// ListAll makes the report list up to [MostRows] rows. Call it before the first row.
func (t *Tally) ListAll() { t.list.most = MostRows }

// LeftOut returns how many rows are counted and not listed.
func (t *Tally) LeftOut() int { return t.Done() - t.list.n }

// Record adds a row of a run.
func (t *Tally) Record(r *pipeline.Result) error {
	t.add(r, func(c *column) int { return c.inRoster })
	return nil
}

// Journalled adds a row whose result is only in the journal.
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

// add adds a row. Cell returns the index of a column's cell in the row.
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

// A class is a group of statuses that mean the same to a reader of the report.
type class int

const (
	moved   class = iota // changed or, in an audit, to be changed
	settled              // was as wanted
	bad                  // needs a person's attention
	aside                // does not count: a duplicate or an example
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

// A move is the change of one property of a row: from one value to another. A value that
// was not read is "".
type move struct{ from, to string }

// moveOf returns the move of a row. In an audit, it goes to the value wanted.
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

// Bounds of what a Tally keeps, so that a report stays readable and small enough for a
// mail, whatever is in the roster.
const (
	maxMoves  = 50  // of a property
	maxWanted = 6   // values wanted of a property, that the report names
	maxValue  = 80  // characters of a value
	maxCell   = 300 // characters of any other text
)

// moves counts the moves of one property.
type moves struct {
	rows   map[move]int
	others int      // rows of moves beyond the first maxMoves
	wanted []string // the values wanted, maxWanted at most
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
