package results

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"strings"

	"rollcall/pipeline"
	"rollcall/tenant/disk"
)

// A Baseline is the rows of an earlier audit that were not as wanted. A user who is not in
// it was as wanted, or was not in the roster.
//
// Before a change nearly all users may be in it, so each row is packed.
type Baseline struct {
	Warnings []string // why it may not be complete or true
	Missing  bool     // there is no file: it has no user

	name string
	seed maphash.Seed
	last map[uint64]int32 // by a hash of the UPN: the index of the user's last row, from 1
	rows []packed
}

// A packed is a Finding in few bytes.
type packed struct {
	text     string // the UPN, then After and Wanted of each value; a length stands before each text
	previous int32  // the index of an earlier row of the user, from 1, or 0
	status   pipeline.Status
	seen     bool // the current audit has it
}

// A Finding is a row of an audit that is not as wanted.
type Finding struct {
	UPN    string
	Status pipeline.Status
	Values []pipeline.Value
}

// Equal reports whether f and g have the same status and values.
func (f *Finding) Equal(g *Finding) bool {
	return f.Status == g.Status && slices.EqualFunc(f.Values, g.Values, func(a, b pipeline.Value) bool {
		return strings.EqualFold(a.Wanted, b.Wanted) && (a.Wanted == "" || strings.EqualFold(a.After, b.After))
	})
}

func newBaseline(name string) *Baseline {
	return &Baseline{name: name, seed: maphash.MakeSeed(), last: make(map[uint64]int32)}
}

// add adds f, the next one in the file.
func (b *Baseline) add(f *Finding) {
	put := func(text []byte, s string) []byte {
		return append(binary.AppendUvarint(text, uint64(len(s))), s...)
	}
	text := put(nil, f.UPN)
	for _, v := range f.Values {
		text = put(put(text, v.After), v.Wanted)
	}
	key := b.key(f.UPN)
	b.rows = append(b.rows, packed{text: string(text), previous: b.last[key], status: f.Status})
	b.last[key] = int32(len(b.rows))
}

// finding unpacks row.
func (row *packed) finding() *Finding {
	var texts []string
	for text := row.text; text != ""; {
		n, size := binary.Uvarint([]byte(text[:min(len(text), binary.MaxVarintLen64)]))
		end := size + int(n)
		texts = append(texts, text[size:end])
		text = text[end:]
	}
	f := &Finding{UPN: texts[0], Status: row.status}
	for i := 1; i < len(texts); i += 2 {
		f.Values = append(f.Values, pipeline.Value{After: texts[i], Wanted: texts[i+1]})
	}
	return f
}

func (b *Baseline) key(upn string) uint64 { return maphash.String(b.seed, userKey(upn)) }

// each calls f with each row of a user, in order, until f returns false.
func (b *Baseline) each(upn string, f func(*packed, *Finding) bool) {
	var all []*packed
	for i := b.last[b.key(upn)]; i != 0; i = b.rows[i-1].previous {
		all = append(all, &b.rows[i-1])
	}
	for _, row := range slices.Backward(all) {
		// Two users may have the same hash.
		if was := row.finding(); userKey(was.UPN) == userKey(upn) && !f(row, was) {
			return
		}
	}
}

// NoBaseline returns a Baseline without users, for the first audit with the file called
// name.
func NoBaseline(name string) *Baseline {
	b := newBaseline(name)
	b.Missing = true
	return b
}

// ReadBaseline reads the results file called name and its journal. It must be that of an
// audit of the same properties as now, with a result for every row, and, as far as that
// is on record, of the same tenant, noun and wanted values. A spreadsheet may have saved
// the file since.
func ReadBaseline(name string, properties []string, now Manifest) (*Baseline, error) {
	b := newBaseline(name)
	if err := b.read(properties, now); err != nil {
		return nil, fmt.Errorf("baseline %s: %w", name, disk.Cause(err))
	}
	return b, nil
}

func (b *Baseline) read(properties []string, now Manifest) error {
	past, err := ReadPast(b.name)
	if err != nil {
		return err
	}
	if err := b.checkComparable(past, now); err != nil {
		return err
	}
	f, err := past.Open(false)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := NewReader(f)
	if err != nil {
		return damaged{err}
	}
	if err := b.readRows(r, properties, now.Wanted); err != nil {
		return err
	}
	if r.Torn() || past.journal == nil && !endsInLine(b.name) {
		return damaged{errors.New("its last record is cut short")}
	}
	return nil
}

// checkComparable returns an error if past is not an audit of the same setting and tenant
// as now, or if it lacks rows: nothing would be known of their users.
func (b *Baseline) checkComparable(past *Past, now Manifest) error {
	switch {
	case !hasJournal(b.name):
		b.Warnings = past.Doubts
	case past.Doubts != nil:
		return damaged{errors.New(past.Doubts[0])}
	}
	was := past.Manifest
	switch {
	case was == nil:
		return nil
	case was.Noun != now.Noun:
		return fmt.Errorf("it is an audit of the setting %s, this one is of %s", was.Noun, now.Noun)
	case !was.Where.Same(now.Where):
		return fmt.Errorf("it is an audit of the %s, this one is of the %s", was.tenant(now), now.tenant(*was))
	case past.Counts.Done() < past.Counts.Total:
		return fmt.Errorf("%w: it has %d of %s", ErrUnfinished, past.Counts.Done(), pipeline.Plural(past.Counts.Total, "row"))
	}
	return nil
}

// ErrUnfinished is the cause of the error of an audit that is not complete.
var ErrUnfinished = errors.New("its audit is not complete")

// ErrDamaged is what the error of a baseline is if the file is not as an audit left it.
var ErrDamaged = errors.New("not as an audit left it")

type damaged struct{ error }

func (d damaged) Unwrap() error { return d.error }

// Is reports whether target is [ErrDamaged].
func (damaged) Is(target error) bool { return target == ErrDamaged }

func (b *Baseline) readRows(r *Reader, properties, wanted []string) error {
	columns := make([]int, len(properties)) // of the file's properties
	for i, p := range properties {
		columns[i] = slices.Index(r.Properties, p)
	}
	if len(r.Properties) != len(properties) || slices.Contains(columns, -1) {
		return fmt.Errorf("it is an audit of %s, this one is of %s", strings.Join(r.Properties, ", "), strings.Join(properties, ", "))
	}
	for {
		var res pipeline.Result
		if err := r.Read(&res); err == io.EOF {
			return nil
		} else if err != nil {
			return damaged{err}
		}
		f := &Finding{UPN: res.Row.UPN, Status: res.Status}
		for i, column := range columns {
			v := res.Values[column]
			if wanted != nil && v.Wanted != "" && !strings.EqualFold(v.Wanted, wanted[i]) {
				return fmt.Errorf("it is an audit of %s %s, this one is of %s", properties[i], v.Wanted, wanted[i])
			}
			f.Values = append(f.Values, pipeline.Value{After: v.After, Wanted: v.Wanted})
		}
		switch res.Status {
		case pipeline.Same, pipeline.Duplicate, pipeline.Example:
		case pipeline.Differs, pipeline.Unreadable, pipeline.NotFound, pipeline.Denied, pipeline.Invalid, pipeline.Conflict, pipeline.Stale:
			b.add(f)
		default:
			return fmt.Errorf("line %d: status %s: not the status of an audit", res.Row.Line, res.Status)
		}
	}
}

// endsInLine reports whether the file called name ends with a line feed, in UTF-8 or
// UTF-16.
func endsInLine(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	end := make([]byte, 2)
	if _, err := f.Seek(-2, io.SeekEnd); err != nil {
		return false
	}
	_, err = io.ReadFull(f, end)
	return err == nil && (end[1] == '\n' || end[0] == '\n' && end[1] == 0)
}

func userKey(upn string) string { return strings.ToLower(strings.TrimSpace(upn)) }

// Name returns the name of the file.
func (b *Baseline) Name() string { return b.name }

// Match returns the Finding of the user of now: one that is equal to now if there is one,
// otherwise the first. Each is returned once; if there are no more, it returns nil.
func (b *Baseline) Match(now *Finding) *Finding {
	var row *packed
	var was *Finding
	b.each(now.UPN, func(r *packed, f *Finding) bool {
		equal := !r.seen && f.Equal(now)
		if equal || !r.seen && row == nil {
			row, was = r, f
		}
		return !equal
	})
	if row != nil {
		row.seen = true
	}
	return was
}

// Unmatched calls f with the findings of users for whom Match was not called, in the order of
// the file.
func (b *Baseline) Unmatched(f func(*Finding)) {
	for i := range b.rows {
		was, seen := b.rows[i].finding(), false
		b.each(was.UPN, func(r *packed, _ *Finding) bool {
			seen = seen || r.seen
			return !seen
		})
		if !seen {
			f(was)
		}
	}
}
