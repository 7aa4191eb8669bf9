package results

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// A Source is a roster that is a results file or the diff of an audit. It has the wanted
// values, and those before.
type Source struct {
	Properties []string
	Moved      []string // properties that the tenant changed with them
	Own        int      // how many of its first columns rollcall wrote
	Past       *Past    // the run that wrote it; nil if it is not a file

	comma rune // its delimiter

	ifUnchanged  bool            // as AssignWanted was called
	undoSetting  *tenant.Setting // set by AssignBefore, otherwise nil
	lacksBefore  bool            // some row has no value before
	movedUnknown []string        // properties that moved and have no value before in some row
}

// NewSource reads the header of a results file from r. It returns nil if it is not one. A
// spreadsheet may have saved the file since.
func NewSource(r io.Reader) *Source {
	in := openCSV(r)
	header, err := in.Read()
	if err != nil {
		return nil
	}
	properties, moved, own := ParseColumns(header)
	if properties == nil {
		return nil
	}
	return &Source{Properties: properties, Moved: moved, Own: own, comma: in.Comma}
}

// Manifest returns the manifest of the file's run, or nil if it is not on record.
func (s *Source) Manifest() *Manifest {
	if s == nil || s.Past == nil {
		return nil
	}
	return s.Past.Manifest
}

// Cell returns the text that a cell of column i stands for. For a column that rollcall
// wrote, ours is true, and the text is without the changes that EscapeCell and a
// spreadsheet made.
func (s *Source) Cell(i int, cell string) (text string, ours bool) {
	if i < s.Own {
		return ownText(cell, s.comma), true
	}
	return cell, false
}

// Indexes of columns that every results file has.
const (
	statusColumn = 2
	firstValue   = 3
)

// result returns the status and the error of a row of the file, without the values.
func (s *Source) result(cells []string) *pipeline.Result {
	status, err := pipeline.ParseStatus(strings.TrimSpace(cells[statusColumn]))
	if err != nil {
		return nil
	}
	return &pipeline.Result{Status: status, Note: UnescapeCell(cells[s.Own-2])}
}

// AssignWanted makes c want what the file's run wanted. The values before are those of the
// file. With ifUnchanged, only users are changed who still have them, those of the properties
// that move included.
func (s *Source) AssignWanted(c *pipeline.Change, ifUnchanged bool) error {
	for _, p := range s.Properties {
		var expect []string
		if ifUnchanged {
			expect = []string{p + ".Before"}
		}
		if err := c.AssignColumns(p, p+".Wanted", p+".Before", expect...); err != nil {
			return err
		}
	}
	for _, m := range s.Moved {
		c.SetMovedBefore(m, m+".Before")
	}
	s.ifUnchanged, c.ExpectMovedBefore = ifUnchanged, ifUnchanged
	return nil
}

// DoneBefore returns a result for a row if only unchanged users are to be changed and the
// audit does not have all values of the row: then it is not known whether the user is
// unchanged.
func (s *Source) DoneBefore(cells []string) (pipeline.Status, error, bool) {
	if !s.ifUnchanged {
		return 0, nil, false
	}
	r := s.result(cells)
	if r == nil {
		return 0, nil, false
	}
	switch r.Status {
	case pipeline.NotFound, pipeline.Denied, pipeline.Unreadable, pipeline.Stale, pipeline.Invalid, pipeline.Conflict:
		return r.Status, fmt.Errorf("nothing was sent, because the audit found: %s", r.Note), true
	}
	for i, p := range s.Properties {
		if cell := func(n int) string { return cells[firstValue+3*i+n] }; cell(1) != "" && cell(2) == "" {
			return pipeline.Stale, fmt.Errorf("nothing was sent, because the audit has no value of %s", p), true
		}
	}
	return 0, nil, false
}

// AssignBefore makes c want the values before the file's run. A user is changed only if the
// value is one that the run left or wanted, that moved with one it wanted, or that was
// there before: a run that was cut short may have changed one property of a user and not
// the next.
func (s *Source) AssignBefore(c *pipeline.Change) error {
	c.MatchCase = true // values are put back exactly
	for _, p := range s.Properties {
		if err := c.AssignColumns(p, p+".Before", "", p, p+".Wanted", p+".Before"); err != nil {
			return err
		}
	}
	for _, m := range s.Moved {
		if err := c.AssignColumns(m, m+".Before", "", m); err != nil {
			return err
		}
	}
	// The read-back waits for the properties that were set, not for those that move: a
	// tenant may show them later, and waiting would be useless if a service moves fewer
	// properties than the noun's rules say.
	for _, by := range s.Properties {
		for _, m := range c.Setting.MovedProperties([]string{by}) {
			c.ExpectMoved(m, by, by+".Wanted")
		}
	}
	s.movedUnknown = c.Moved()
	s.undoSetting = c.Setting
	return nil
}

// WantingStatuses are the statuses of rows that apply works on if the roster is a results
// file and no other change is asked for.
var WantingStatuses = []string{"applied", "unchanged", "mismatch", "unverified", "failed", "not-found", "denied", "stale", "differs", "unreadable"}

// Unchanged reports whether the file's run certainly did not change the user of a row.
func (s *Source) Unchanged(row *roster.Row) bool {
	r := s.result(row.Cells)
	return r == nil || !r.MaybeChanged()
}

// ChangingStatuses are the statuses of rows whose users the run may have changed.
var ChangingStatuses = []string{"applied", "mismatch", "unverified", "failed"}

// ErrNoBefore is the error of a row that can't be put back.
var ErrNoBefore = errors.New("no value before is on record: it can't be put back")

// LacksBefore reports whether some row to undo has no value before. Call it after the roster
// has been read.
func (s *Source) LacksBefore() bool { return s.lacksBefore }

// CheckRow returns [ErrNoBefore] for a row without a value before, if the file's run is to
// be undone.
func (s *Source) CheckRow(cells []string) error {
	if s.undoSetting == nil {
		return nil
	}
	for i := range s.Properties {
		if cell := func(n int) string { return cells[firstValue+3*i+n] }; cell(1) != "" && cell(2) == "" {
			s.lacksBefore = true
			return ErrNoBefore
		}
	}
	for i, p := range s.Properties {
		if cells[firstValue+3*i+1] == "" { // not set, but it may have moved
			s.movedFrom(cells, p, cells[firstValue+3*i+2])
		}
	}
	for i, m := range s.Moved {
		s.movedFrom(cells, m, cells[firstValue+3*len(s.Properties)+2*i+1])
	}
	return nil
}

// movedFrom notes a property that moved and has no value before on record.
func (s *Source) movedFrom(cells []string, property, before string) {
	if before == "" && s.movedIn(cells, property) && !slices.Contains(s.movedUnknown, property) {
		s.movedUnknown = append(s.movedUnknown, property)
	}
}

// movedIn reports whether the file's run moved a property of the row's user.
func (s *Source) movedIn(cells []string, property string) bool {
	for i, p := range s.Properties {
		if cells[firstValue+3*i+1] != "" && slices.Contains(s.undoSetting.MovedProperties([]string{p}), property) {
			return true
		}
	}
	return false
}

// Doubts returns the reasons why users may still be changed after that many rows of the
// file were undone. Call it after the roster has been opened.
func (s *Source) Doubts(rows int) []string {
	var doubts []string
	const all = "whether it holds all users of its run is not known"
	switch {
	case s.Past == nil:
		doubts = append(doubts, "standard input has no summary: "+all)
	case s.Past.Unknown:
		doubts = append(doubts, "there is no summary beside the file: "+all)
	default:
		doubts = slices.Clone(s.Past.Doubts)
	}
	switch {
	case s.movedUnknown == nil || rows == 0:
	case s.Manifest() == nil && len(s.Moved) == 0: // the setting may be another one, which moves nothing
		doubts = append(doubts, fmt.Sprintf("whether the run also moved %s is not known, and no values before are on record: they can't be put back", strings.Join(s.movedUnknown, ", ")))
	default:
		doubts = append(doubts, fmt.Sprintf("the run also moved %s, and at least some values before are not on record: they can't be put back", strings.Join(s.movedUnknown, ", ")))
	}
	return doubts
}
