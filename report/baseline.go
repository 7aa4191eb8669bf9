package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"rollcall/pipeline"
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
// same properties and, unless it is nil, of the same wanted values. Spreadsheets
// may have saved it since.
func ReadBaseline(name string, properties, wanted []string) (*Baseline, error) {
	b := &Baseline{name: name, past: make(map[string][]*finding)}
	if err := b.read(properties, wanted); err != nil {
		return nil, fmt.Errorf("baseline %s: %w", name, cause(err))
	}
	return b, nil
}

func (b *Baseline) read(properties, wanted []string) error {
	f, err := os.Open(b.name)
	if err != nil {
		return err
	}
	defer f.Close()
	if hasJournal(b.name) {
		return fmt.Errorf("it is not complete, for there is its journal %s", journalName(b.name))
	}
	r, err := NewResultsReader(f)
	if err != nil {
		return err
	}
	columns := make([]int, len(properties)) // of the file's properties
	for i, p := range properties {
		columns[i] = slices.Index(r.Properties, p)
	}
	if len(r.Properties) != len(properties) || slices.Contains(columns, -1) {
		return fmt.Errorf("it is about %s, this audit about %s", strings.Join(r.Properties, ", "), strings.Join(properties, ", "))
	}
	for {
		var res pipeline.Result
		if err := r.Read(&res); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		f := &finding{line: res.Row.Line, upn: strings.Clone(res.Row.UPN), status: res.Status}
		for i, column := range columns {
			v := res.Values[column]
			if wanted != nil && v.Wanted != "" && !strings.EqualFold(v.Wanted, wanted[i]) {
				return fmt.Errorf("it is about %s %s, this audit about %s", properties[i], v.Wanted, wanted[i])
			}
			f.values = append(f.values, pipeline.Value{After: strings.Clone(v.After), Wanted: strings.Clone(v.Wanted)})
		}
		switch res.Status {
		case pipeline.Same, pipeline.Duplicate, pipeline.Example:
		case pipeline.Differs, pipeline.Unreadable, pipeline.NotFound, pipeline.Denied, pipeline.Invalid, pipeline.Conflict, pipeline.Stale:
			key := userKey(f.upn)
			b.past[key] = append(b.past[key], f)
		default:
			return fmt.Errorf("line %d: status %s: that is no audit's", res.Row.Line, res.Status)
		}
	}
	if r.Torn() || !endsInLine(f) {
		return errors.New("its last record is cut short")
	}
	return nil
}

// endsInLine reports whether f ends as a text file does, be it UTF-16.
func endsInLine(f *os.File) bool {
	end := make([]byte, 2)
	if _, err := f.Seek(-2, io.SeekEnd); err != nil {
		return false
	}
	_, err := io.ReadFull(f, end)
	return err == nil && (end[1] == '\n' || end[0] == '\n' && end[1] == 0)
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
