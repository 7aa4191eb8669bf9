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

// A Source is a roster that is a results file, or the diff of an audit:
// it can say itself what is wanted.
type Source struct {
	Properties []string
	Moved      []string // that changed with them
	Own        int      // how many of its columns are ours
	Past       *Past    // what stands beside it; nil if it is not a file

	comma rune // between its cells

	ifUnchanged  bool            // see Again
	undoSetting  *tenant.Setting // see Back; else nil
	lacksBefore  bool            // some row has no value before
	movedUnknown []string        // properties that moved, whose values before some row has not
}

// NewSource returns the Source that r begins with, or nil if that is no results file.
// A spreadsheet may have saved it since.
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

// Manifest returns what is on record of the run that the file is of, or nil.
func (s *Source) Manifest() *Manifest {
	if s == nil || s.Past == nil {
		return nil
	}
	return s.Past.Manifest
}

// Cell returns what a cell stands for: in our own columns what it was ahead of
// being made safe for spreadsheets, and saved by one.
func (s *Source) Cell(i int, cell string) (text string, ours bool) {
	if i < s.Own {
		return untranslate(UnescapeFormula(cell), s.comma), true
	}
	return cell, false
}

// Where the columns of a results file are that every one has.
const (
	statusColumn = 2
	firstValue   = 3
)

// result returns what a row of the file says became of it, without the values.
func (s *Source) result(cells []string) *pipeline.Result {
	status, err := pipeline.ParseStatus(strings.TrimSpace(cells[statusColumn]))
	if err != nil {
		return nil
	}
	return &pipeline.Result{Status: status, Note: UnescapeFormula(cells[s.Own-2])}
}

// AssignWanted has c want what the file's run wanted. The values before are those of the
// file, and if only unchanged users are to be changed, they must still be so.
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
	s.ifUnchanged = ifUnchanged
	return nil
}

// DoneBefore returns, if only unchanged users are to be changed, what a row came to of
// which the audit does not have all values: whether the user still is as the audit
// saw them can't be told.
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
		return r.Status, fmt.Errorf("nothing was sent, for the audit found: %s", r.Note), true
	}
	for i, p := range s.Properties {
		if cell := func(n int) string { return cells[firstValue+3*i+n] }; cell(1) != "" && cell(2) == "" {
			return pipeline.Stale, fmt.Errorf("nothing was sent, for the audit has no value of %s", p), true
		}
	}
	return 0, nil, false
}

// AssignBefore has c want what was before the file's run, of users who still are as that
// run left them or wanted them to be, or as what it wanted makes them. A run that was cut short may have changed
// one property of a user and not the next, which then is as before.
func (s *Source) AssignBefore(c *pipeline.Change) error {
	c.MatchCase = true // what was is put back to the letter
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
	// The read-back waits for what was set, not for what moves with it: a tenant
	// may show that later, and a service that moves less than the noun's rules say
	// would have it wait in vain for every user.
	for _, by := range s.Properties {
		for _, m := range c.Setting.MovedBy([]string{by}) {
			c.ExpectMoved(m, by, by+".Wanted")
		}
	}
	s.movedUnknown = c.Moved()
	s.undoSetting = c.Setting
	return nil
}

// WantingStatuses are the statuses of rows that say what they want and have not been
// found to be so.
var WantingStatuses = []string{"applied", "unchanged", "mismatch", "unverified", "failed", "not-found", "denied", "stale", "differs", "unreadable"}

// Unchanged reports whether a row of the file is of a user whom its run has not
// changed, for certain.
func (s *Source) Unchanged(row *roster.Row) bool {
	r := s.result(row.Cells)
	return r == nil || !r.MaybeChanged()
}

// ChangingStatuses are the statuses of rows that undo looks at.
var ChangingStatuses = []string{"applied", "mismatch", "unverified", "failed"}

// ErrNoBefore is why a row can't be put back.
var ErrNoBefore = errors.New("no value before is on record: it can't be put back")

// LacksBefore reports whether some row that is to be undone has no value before. It is
// for after the roster has been read.
func (s *Source) LacksBefore() bool { return s.lacksBefore }

// CheckRow returns, if the file's run is to be undone, [ErrNoBefore] for a row without a
// value before.
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
		if cells[firstValue+3*i+1] == "" { // left alone, and perhaps moved
			s.movedFrom(cells, p, cells[firstValue+3*i+2])
		}
	}
	for i, m := range s.Moved {
		s.movedFrom(cells, m, cells[firstValue+3*len(s.Properties)+2*i+1])
	}
	return nil
}

// movedFrom notes that a property has been moved, if it has, and that what it was
// before is not on record.
func (s *Source) movedFrom(cells []string, property, before string) {
	if before == "" && s.movedIn(cells, property) && !slices.Contains(s.movedUnknown, property) {
		s.movedUnknown = append(s.movedUnknown, property)
	}
}

// movedIn reports whether the run of the file has moved a property of the row's
// user.
func (s *Source) movedIn(cells []string, property string) bool {
	for i, p := range s.Properties {
		if cells[firstValue+3*i+1] != "" && slices.Contains(s.undoSetting.MovedBy([]string{p}), property) {
			return true
		}
	}
	return false
}

// Doubts returns why users may be left changed when all rows of the file have
// been undone, of so many rows. It is for after the roster has been opened.
func (s *Source) Doubts(rows int) []string {
	var doubts []string
	if s.Past != nil {
		doubts = slices.Clone(s.Past.Doubts)
	}
	if s.movedUnknown != nil && rows > 0 {
		doubts = append(doubts, fmt.Sprintf("the run moved %s too, whose values before are not on record (of some rows, or of any): they can't be put back", strings.Join(s.movedUnknown, ", ")))
	}
	return doubts
}
