package report

import (
	"errors"
	"fmt"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
)

// A Source is a roster that is a results file of ours, or the diff of an audit:
// it can say itself what is wanted.
type Source struct {
	Properties []string
	Own        int   // how many of its columns are ours
	Past       *Past // what stands beside it; nil if it is not a file
}

// NewSource returns the Source whose header is given, or nil if it is not one of
// ours.
func NewSource(header []string) *Source {
	properties, own := ParseColumns(header)
	if properties == nil {
		return nil
	}
	return &Source{Properties: properties, Own: own}
}

// Manifest returns what is on record of the run that the file is of, or nil.
func (s *Source) Manifest() *Manifest {
	if s == nil || s.Past == nil {
		return nil
	}
	return s.Past.Manifest
}

// Cell returns what a cell stands for: in our own columns what it was ahead of
// being made safe for spreadsheets.
func (s *Source) Cell(i int, cell string) (text string, ours bool) {
	if i < s.Own {
		return Unsafe(cell), true
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
	return &pipeline.Result{Status: status, Note: Unsafe(cells[s.Own-2])}
}

// Again has c want what the file's run wanted. The values before are those of the
// file, and if only unchanged users are to be changed, they must still be so.
func (s *Source) Again(c *pipeline.Change, ifUnchanged bool) error {
	for _, p := range s.Properties {
		var expect []string
		if ifUnchanged {
			expect = []string{p + ".Before"}
		}
		if err := c.AssignColumns(p, p+".Wanted", p+".Before", expect...); err != nil {
			return err
		}
	}
	if ifUnchanged {
		c.Settled = s.unread
	}
	return nil
}

// unread returns what a row came to of which the audit does not have all values:
// whether the user still is as the audit saw them can't be told.
func (s *Source) unread(cells []string) (pipeline.Status, error, bool) {
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

// Back has c want what was before the file's run, of users who still are as that
// run left them or wanted them to be. A run that was cut short may have changed
// one property of a user and not the next, which then is as before.
func (s *Source) Back(c *pipeline.Change) error {
	for _, p := range s.Properties {
		if err := c.AssignColumns(p, p+".Before", "", p, p+".Wanted", p+".Before"); err != nil {
			return err
		}
	}
	return nil
}

// Wanting are the statuses of rows that say what they want and have not been
// found to be so.
var Wanting = []string{"applied", "unchanged", "mismatch", "unverified", "failed", "not-found", "denied", "stale", "differs", "unreadable"}

// Unchanged reports whether a row of the file is of a user whom its run has not
// changed, for certain.
func (s *Source) Unchanged(row *roster.Row) bool {
	r := s.result(row.Cells)
	return r == nil || !r.MaybeChanged()
}

// Changing are the statuses of rows that undo looks at.
var Changing = []string{"applied", "mismatch", "unverified", "failed"}

// ErrNoBefore is why a row can't be put back.
var ErrNoBefore = errors.New("no value before is on record: it can't be put back")

// Undoable returns c.Want, but that a row without a value before can't be used.
func (s *Source) Undoable(c *pipeline.Change) func(*roster.Row) (string, error) {
	return func(row *roster.Row) (string, error) {
		for i := range s.Properties {
			if cell := func(n int) string { return row.Cells[firstValue+3*i+n] }; cell(1) != "" && cell(2) == "" {
				return "", ErrNoBefore
			}
		}
		return c.Want(row)
	}
}
