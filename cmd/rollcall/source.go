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
	own        int // how many of its columns are ours
}

// readSource looks at the first line of the file called name, and returns nil if
// it is not one of ours. What it reads of standard input is put back.
func readSource(a *app, name string) *source {
	var in io.Reader
	if name == "-" {
		b := bufio.NewReaderSize(a.in, 64<<10)
		first, _ := b.Peek(b.Size())
		in, a.in = strings.NewReader(string(first)), b
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil // whoever opens the roster says why
		}
		defer f.Close()
		in = f
	}
	b := bufio.NewReader(in)
	if first, _ := b.Peek(3); string(first) == "\ufeff" {
		b.Discard(3)
	}
	header, err := csv.NewReader(b).Read()
	if err != nil {
		return nil
	}
	properties, own := report.ParseColumns(header)
	if properties == nil {
		return nil
	}
	return &source{properties, own}
}

// cell returns what a cell stands for: in our own columns what it was ahead of
// being made safe for spreadsheets.
func (s *source) cell(i int, cell string) string {
	if i < s.own {
		return report.Unsafe(cell)
	}
	return cell
}

// again has c want what the file's run wanted. The values before are those of the
// file, and if only unchanged users are to be changed, they must still be so.
func (s *source) again(c *pipeline.Change, ifUnchanged bool) error {
	for _, p := range s.properties {
		expect := ""
		if ifUnchanged {
			expect = p + ".Before"
		}
		if err := c.AssignColumns(p, p+".Wanted", p+".Before", expect); err != nil {
			return s.wrongNoun(err)
		}
	}
	return nil
}

// back has c want what was before the file's run, of users who still are as that
// run left them.
func (s *source) back(c *pipeline.Change) error {
	for _, p := range s.properties {
		if err := c.AssignColumns(p, p+".Before", "", p); err != nil {
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

// noValueBefore is why a row can't be undone.
type noValueBefore struct{ line int }

// undoable wraps want: a row without a value before ends it all, for then the
// file is not one that can be undone.
func (n *noValueBefore) undoable(c *pipeline.Change, s *source, header []string) func(*roster.Row) (string, error) {
	return func(row *roster.Row) (string, error) {
		for i, name := range header[:s.own] {
			if property, ok := strings.CutSuffix(name, ".Before"); ok && row.Cells[i] == "" && s.wanted(header, row, property) {
				if n.line == 0 {
					n.line = row.Line
				}
				return "", errors.New("no value before is on record")
			}
		}
		return c.Want(row)
	}
}

// wanted reports whether the run that wrote row wanted something of the property.
func (s *source) wanted(header []string, row *roster.Row, property string) bool {
	for i, name := range header[:s.own] {
		if name == property+".Wanted" {
			return row.Cells[i] != ""
		}
	}
	return false
}

// err returns the error of a file that can't be undone, or nil.
func (n *noValueBefore) err(name string) error {
	if n.line == 0 {
		return nil
	}
	return &exit{status: exitError, err: fmt.Errorf("undo %s: line %d: no value before is on record", name, n.line),
		hint: "apply records the values before with --read-first, or when it is given the diff of an audit"}
}
