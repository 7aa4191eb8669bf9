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

// A Baseline is what an earlier audit found, as far as it was not as wanted. A
// user whom it does not have was as wanted, or not in the roster.
//
// The first audit ahead of a change finds nearly everybody so. What is kept of a
// row is packed.
type Baseline struct {
	Warnings []string // what is not certain of it
	Missing  bool     // there is none: it has no user

	name string
	seed maphash.Seed
	last map[uint64]int32 // the last row of a user, by a hash of the UPN: its index, from 1
	rows []packed
}

// A packed is a Finding in few bytes.
type packed struct {
	text     string // UPN, then of each value what is and what was wanted, each with its length ahead
	previous int32  // the index of an earlier row of the user, from 1, or 0
	status   pipeline.Status
	seen     bool // in the audit at hand
}

// A Finding is a row of an audit that was not as wanted.
type Finding struct {
	UPN    string
	Status pipeline.Status
	Values []pipeline.Value
}

// Equal reports whether f says of its user what g says.
func (f *Finding) Equal(g *Finding) bool {
	return f.Status == g.Status && slices.EqualFunc(f.Values, g.Values, func(a, b pipeline.Value) bool {
		return strings.EqualFold(a.Wanted, b.Wanted) && (a.Wanted == "" || strings.EqualFold(a.After, b.After))
	})
}

func newBaseline(name string) *Baseline {
	return &Baseline{name: name, seed: maphash.MakeSeed(), last: make(map[uint64]int32)}
}

// add adds f, which comes after all others in the file.
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

// finding returns what is packed in row.
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

// of calls f with each row of a user, the first one first, until it returns false.
func (b *Baseline) of(upn string, f func(*packed, *Finding) bool) {
	var all []*packed
	for i := b.last[b.key(upn)]; i != 0; i = b.rows[i-1].previous {
		all = append(all, &b.rows[i-1])
	}
	for _, row := range slices.Backward(all) {
		// Two users may have one hash.
		if was := row.finding(); userKey(was.UPN) == userKey(upn) && !f(row, was) {
			return
		}
	}
}

// NoBaseline returns what stands for the baseline called name at the first audit.
func NoBaseline(name string) *Baseline {
	b := newBaseline(name)
	b.Missing = true
	return b
}

// ReadBaseline reads the results file called name, with what its journal has: of
// an audit that found something of every row, of the same properties as the one
// that now is. As far as it is on record, it was of the same tenant, noun and
// wanted values. Spreadsheets may have saved the file since.
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
	if err := b.whole(past, now); err != nil {
		return err
	}
	f, err := past.Open(false)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := NewReader(f)
	if err != nil {
		return err
	}
	if err := b.readRows(r, properties, now.Wanted); err != nil {
		return err
	}
	if r.Torn() || past.journal == nil && !endsInLine(b.name) {
		return errors.New("its last record is cut short")
	}
	return nil
}

// whole returns an error if past is of another kind of audit than now, or
// if it lacks rows: nothing would be known of their users.
func (b *Baseline) whole(past *Past, now Manifest) error {
	switch {
	case !hasJournal(b.name):
		b.Warnings = past.Doubts
	case past.Doubts != nil:
		return errors.New(past.Doubts[0])
	}
	was := past.Manifest
	switch {
	case was == nil:
		return nil
	case was.Noun != now.Noun:
		return fmt.Errorf("it is of the setting %s, this audit of %s", was.Noun, now.Noun)
	case !was.Where.Same(now.Where):
		return fmt.Errorf("it is of the %s, this audit of the %s", was.tenant(now), now.tenant(*was))
	case past.Counts.Done() < past.Counts.Total:
		return fmt.Errorf("%w: it has %d of %s", ErrUnfinished, past.Counts.Done(), pipeline.Plural(past.Counts.Total, "row"))
	}
	return nil
}

// ErrUnfinished is the cause of the error of an audit that did not come to its end.
var ErrUnfinished = errors.New("its audit did not come to its end")

func (b *Baseline) readRows(r *Reader, properties, wanted []string) error {
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
			return nil
		} else if err != nil {
			return err
		}
		f := &Finding{UPN: res.Row.UPN, Status: res.Status}
		for i, column := range columns {
			v := res.Values[column]
			if wanted != nil && v.Wanted != "" && !strings.EqualFold(v.Wanted, wanted[i]) {
				return fmt.Errorf("it is about %s %s, this audit about %s", properties[i], v.Wanted, wanted[i])
			}
			f.Values = append(f.Values, pipeline.Value{After: v.After, Wanted: v.Wanted})
		}
		switch res.Status {
		case pipeline.Same, pipeline.Duplicate, pipeline.Example:
		case pipeline.Differs, pipeline.Unreadable, pipeline.NotFound, pipeline.Denied, pipeline.Invalid, pipeline.Conflict, pipeline.Stale:
			b.add(f)
		default:
			return fmt.Errorf("line %d: status %s: that is no audit's", res.Row.Line, res.Status)
		}
	}
}

// endsInLine reports whether the file called name ends as a text file does, be it
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

// Take returns what the baseline has of the user of now: what is equal to it if
// there is such, or nil if there is nothing that has not been taken.
func (b *Baseline) Take(now *Finding) *Finding {
	var row *packed
	var was *Finding
	b.of(now.UPN, func(r *packed, f *Finding) bool {
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

// Gone calls f with the findings of users whom the audit at hand did not have, in
// the order of the file.
func (b *Baseline) Gone(f func(*Finding)) {
	for i := range b.rows {
		was, seen := b.rows[i].finding(), false
		b.of(was.UPN, func(r *packed, _ *Finding) bool {
			seen = seen || r.seen
			return !seen
		})
		if !seen {
			f(was)
		}
	}
}
