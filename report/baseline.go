package report

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
)

// A Baseline is what an earlier audit found, as far as it was not as wanted. A
// user whom it does not have was as wanted, or not in the roster.
type Baseline struct {
	name string
	past map[string][]*finding // by UPN in lower case
}

// A finding is a row of an audit that was not as wanted.
type finding struct {
	line   int
	upn    string
	status pipeline.Status
	values []pipeline.Value
	seen   bool // in the audit at hand
}

// equal reports whether f says of its user what g says.
func (f *finding) equal(g *finding) bool {
	return f.status == g.status && slices.EqualFunc(f.values, g.values, func(a, b pipeline.Value) bool {
		return strings.EqualFold(a.Wanted, b.Wanted) && strings.EqualFold(a.After, b.After)
	})
}

// ReadBaseline reads the results file called name, of a complete audit of the
// same properties. Spreadsheets may have saved it since.
func ReadBaseline(name string, properties []string) (*Baseline, error) {
	wrap := func(err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("baseline %s: %w", name, fs.ErrNotExist)
		}
		return fmt.Errorf("baseline %s: %w", name, err)
	}
	if _, err := os.Stat(name); err != nil {
		return nil, wrap(cause(err))
	}
	if hasJournal(name) {
		return nil, wrap(fmt.Errorf("it is not complete, for there is its journal %s", journalName(name)))
	}
	r, err := roster.Open(name, nil, roster.Options{})
	if err != nil {
		return nil, wrap(err)
	}
	defer r.Close()
	has, own := ParseColumns(r.Header())
	if own == 0 {
		return nil, wrap(errors.New("not the results of an audit"))
	}
	columns := make([]int, len(properties)) // of each property's value, the one wanted being next
	for i, p := range properties {
		columns[i] = len(leading) + 3*slices.Index(has, p)
	}
	if len(has) != len(properties) || slices.Min(append(columns, len(leading))) < len(leading) {
		return nil, wrap(fmt.Errorf("it is about %s, this audit about %s", strings.Join(has, ", "), strings.Join(properties, ", ")))
	}
	b := &Baseline{name: name, past: make(map[string][]*finding)}
	rows := r.Rows()
	for {
		var row roster.Row
		if err := rows.Read(&row); err == io.EOF {
			return b, nil
		} else if err != nil {
			return nil, wrap(err)
		}
		if err := b.add(row.Line, row.Cells, columns); err != nil {
			return nil, wrap(fmt.Errorf("line %d: %w", row.Line, err))
		}
	}
}

// add adds a record that is on the given line.
func (b *Baseline) add(line int, cells []string, columns []int) error {
	status, err := pipeline.ParseStatus(cells[2])
	switch {
	case err != nil:
		return err
	case silent(status):
		return nil
	case status == pipeline.Differs, status == pipeline.Unreadable, status == pipeline.NotFound, status == pipeline.Denied,
		status == pipeline.Invalid, status == pipeline.Conflict, status == pipeline.Stale:
	default:
		return fmt.Errorf("status %s: that is no audit's", status)
	}
	f := &finding{line: line, upn: strings.Clone(cells[1]), status: status}
	for _, c := range columns {
		f.values = append(f.values, pipeline.Value{After: strings.Clone(Unsafe(cells[c])), Wanted: strings.Clone(Unsafe(cells[c+1]))})
	}
	key := userKey(f.upn)
	b.past[key] = append(b.past[key], f)
	return nil
}

// silent reports whether there is nothing to say of a row of an audit.
func silent(s pipeline.Status) bool {
	return s == pipeline.Same || s == pipeline.Duplicate || s == pipeline.Example
}

func userKey(upn string) string { return strings.ToLower(strings.TrimSpace(upn)) }

// take returns what the baseline has of the user of now: what is equal to it if
// there is such, or nil if there is nothing that has not been taken.
func (b *Baseline) take(now *finding) *finding {
	var was *finding
	for _, f := range b.past[userKey(now.upn)] {
		if f.seen {
			continue
		}
		if f.equal(now) {
			was = f
			break
		}
		if was == nil {
			was = f
		}
	}
	if was != nil {
		was.seen = true
	}
	return was
}

// gone returns the findings of users whom the audit at hand did not have, in the
// order of the file.
func (b *Baseline) gone() []*finding {
	var gone []*finding
	for _, of := range b.past {
		if !slices.ContainsFunc(of, func(f *finding) bool { return f.seen }) {
			gone = append(gone, of...)
		}
	}
	slices.SortFunc(gone, func(a, b *finding) int { return a.line - b.line })
	return gone
}
