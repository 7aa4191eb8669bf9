package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/report"
)

// A source is a roster that is a results file of ours, or the diff of an audit:
// it can say itself what is wanted.
type source struct {
	properties []string
	own        int          // how many of its columns are ours
	past       *report.Past // what stands beside it; nil if it is not a file
}

// readSource looks at the first line of in, and returns nil if it is not one of
// ours.
func readSource(in *input) (*source, error) {
	var r io.Reader
	if in.once != nil {
		first, _ := in.once.Peek(in.once.Size())
		r = strings.NewReader(string(first))
	} else {
		f, err := os.Open(in.name)
		if errors.Is(err, os.ErrNotExist) {
			if _, err := report.ReadPast(in.name); err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err // its journal is there
			}
		}
		if err != nil {
			return nil, nil // whoever opens the roster says why
		}
		defer f.Close()
		r = f
	}
	b := bufio.NewReader(r)
	if first, _ := b.Peek(3); string(first) == "\ufeff" {
		b.Discard(3)
	}
	header, err := csv.NewReader(b).Read()
	if err != nil {
		return nil, nil
	}
	properties, own := report.ParseColumns(header)
	if properties == nil {
		return nil, nil
	}
	s := &source{properties: properties, own: own}
	if in.once == nil {
		s.past, err = report.ReadPast(in.name)
	}
	return s, err
}

// manifest returns what is on record of the run that the file is of, or nil.
func (s *source) manifest() *report.Manifest {
	if s == nil || s.past == nil {
		return nil
	}
	return s.past.Manifest
}

// cell returns what a cell stands for: in our own columns what it was ahead of
// being made safe for spreadsheets.
func (s *source) cell(i int, cell string) (text string, ours bool) {
	if i < s.own {
		return report.Unsafe(cell), true
	}
	return cell, false
}

// Where the columns of a results file are that every one has.
const (
	statusColumn = 2
	firstValue   = 3
)

// result returns what a row of the file says became of it, without the values.
func (s *source) result(cells []string) *pipeline.Result {
	status, err := pipeline.ParseStatus(strings.TrimSpace(cells[statusColumn]))
	if err != nil {
		return nil
	}
	return &pipeline.Result{Status: status, Note: report.Unsafe(cells[s.own-2])}
}

// again has c want what the file's run wanted. The values before are those of the
// file, and if only unchanged users are to be changed, they must still be so.
func (s *source) again(c *pipeline.Change, ifUnchanged bool) error {
	for _, p := range s.properties {
		var expect []string
		if ifUnchanged {
			expect = []string{p + ".Before"}
		}
		if err := c.AssignColumns(p, p+".Wanted", p+".Before", expect...); err != nil {
			return s.wrongNoun(err)
		}
	}
	if ifUnchanged {
		c.Settled = s.unread
	}
	return nil
}

// unread returns what a row came to of which the audit does not have all values:
// whether the user still is as the audit saw them can't be told.
func (s *source) unread(cells []string) (pipeline.Status, error, bool) {
	r := s.result(cells)
	if r == nil {
		return 0, nil, false
	}
	switch r.Status {
	case pipeline.NotFound, pipeline.Denied, pipeline.Unreadable, pipeline.Stale, pipeline.Invalid, pipeline.Conflict:
		return r.Status, fmt.Errorf("nothing was sent, for the audit found: %s", r.Note), true
	}
	for i, p := range s.properties {
		if cell := func(n int) string { return cells[firstValue+3*i+n] }; cell(1) != "" && cell(2) == "" {
			return pipeline.Stale, fmt.Errorf("nothing was sent, for the audit has no value of %s", p), true
		}
	}
	return 0, nil, false
}

// back has c want what was before the file's run, of users who still are as that
// run left them or wanted them to be.
func (s *source) back(c *pipeline.Change) error {
	for _, p := range s.properties {
		if err := c.AssignColumns(p, p+".Before", "", p, p+".Wanted"); err != nil {
			return s.wrongNoun(err)
		}
	}
	return nil
}

func (s *source) wrongNoun(err error) error {
	return &exit{status: exitUsage, err: err, hint: "--noun names the setting that the file is about"}
}

// wanting are the statuses of rows that say what they want and have not been
// found to be so.
var wanting = []string{"applied", "unchanged", "mismatch", "unverified", "failed", "not-found", "denied", "stale", "differs", "unreadable"}

// settled reports whether a row of the file is of a user whom its run has not
// changed, for certain.
func (s *source) settled(row *roster.Row) bool {
	r := s.result(row.Cells)
	return r == nil || !r.MaybeChanged()
}

// changing are the statuses of rows that undo looks at.
var changing = []string{"applied", "mismatch", "unverified", "failed"}

var errNoBefore = errors.New("no value before is on record: it can't be put back")

// undoable wraps c.Want: a row without a value before can't be undone.
func (s *source) undoable(c *pipeline.Change) func(*roster.Row) (string, error) {
	return func(row *roster.Row) (string, error) {
		for i := range s.properties {
			if cell := func(n int) string { return row.Cells[firstValue+3*i+n] }; cell(1) != "" && cell(2) == "" {
				return "", errNoBefore
			}
		}
		return c.Want(row)
	}
}
