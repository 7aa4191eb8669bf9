package roster

import (
	"bytes"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"sort"
)

// hashes collects the hashes of all users, in parts by their first byte, so
// that none needs much memory to grow or to be sorted.
type hashes struct{ parts [256][][]uint64 }

// add adds a hash.
func (s *hashes) add(h uint64) {
	const most = 4096
	part := &s.parts[h>>56]
	last := len(*part) - 1
	if last < 0 || len((*part)[last]) == cap((*part)[last]) {
		size := 8
		if last >= 0 {
			size = min(most, 2*cap((*part)[last]))
		}
		*part = append(*part, make([]uint64, 0, size))
		last++
	}
	(*part)[last] = append((*part)[last], h)
}

// repeated returns the hashes that were added more than once, in order. It
// leaves none behind.
func (s *hashes) repeated() []uint64 {
	var repeated, sorted []uint64
	for i, part := range s.parts {
		sorted = sorted[:0]
		for _, chunk := range part {
			sorted = append(sorted, chunk...)
		}
		s.parts[i] = nil
		slices.Sort(sorted)
		for j := 1; j < len(sorted); j++ {
			if h := sorted[j]; h == sorted[j-1] && (j == 1 || h != sorted[j-2]) {
				repeated = append(repeated, h)
			}
		}
	}
	return slices.Clip(repeated)
}

// shared are the users whose hash is that of more than one row.
type shared struct {
	hashes  []uint64 // in order
	offsets []int64  // of the first row of the user whose hash is at that place; used by compare alone
	users   []user
	others  map[string]*other // users, in lower case, whose hash was taken by another
	index   []uint32          // where the hashes begin whose first bits are the index
	shift   int
}

// A user is someone with rows in a roster. Lines are those that the rows start
// on; 32 bits are enough, for records refuses longer files.
type user struct {
	line   uint32 // of the first row
	differ uint32 // of the first row that asks for something else than the first row, or 0
	rows   uint32
}

// other is a user who is not the first with a hash.
type other struct {
	user
	offset int64
}

func newShared(hashes []uint64) *shared {
	s := &shared{
		hashes:  hashes,
		offsets: make([]int64, len(hashes)),
		users:   make([]user, len(hashes)),
		others:  map[string]*other{},
	}
	// About eight hashes to a place of the index.
	n := max(0, bits.Len(uint(len(hashes)))-3)
	s.shift = 64 - n
	s.index = make([]uint32, 1<<n+1)
	at := 0
	for i := range s.index {
		for at < len(hashes) && hashes[at]>>s.shift < uint64(i) {
			at++
		}
		s.index[i] = uint32(at)
	}
	return s
}

// find returns where h is in s.hashes, or -1.
func (s *shared) find(h uint64) int {
	i := h >> s.shift
	low, high := int(s.index[i]), int(s.index[i+1])
	part := s.hashes[low:high]
	if n := sort.Search(len(part), func(i int) bool { return part[i] >= h }); n < len(part) && part[n] == h {
		return low + n
	}
	return -1
}

// compare reads the rows once more and finds the users that have several, given
// the hashes that occur more than once. A hash says who may be the same: who
// is, the text of the UPN says.
func (r *Roster) compare(repeated []uint64) error {
	s := newShared(repeated)
	firsts := newFirsts(r)
	rows := r.rows()
	for {
		err := rows.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if r.marks.get(rows.index) != plain {
			continue
		}
		upn := rows.lower()
		at := s.find(r.hash(upn))
		if at < 0 {
			continue
		}
		r.marks.set(rows.index, several)
		u, first, err := s.claim(at, rows, firsts)
		if err != nil {
			return err
		}
		if u.rows++; u.rows == 1 {
			continue
		}
		want, err := rows.want()
		if err != nil {
			return r.unsteady(rows.start, err)
		}
		switch {
		case u.differ != 0:
			r.found.Conflicts++
		case want == first.want:
			r.found.Duplicates++
		default:
			u.differ = uint32(rows.start)
			r.found.Users--
			r.found.Duplicates -= int(u.rows) - 2
			r.found.Conflicts += int(u.rows)
		}
		r.found.Users--
	}
	s.offsets = nil
	r.shared = s
	return nil
}

// claim returns the user of the row read last, whose hash is at that place in
// s.hashes, and the first row of that user if it is an earlier one.
func (s *shared) claim(at int, rows *rows, firsts *firsts) (*user, *first, error) {
	u := &s.users[at]
	if u.rows == 0 {
		u.line, s.offsets[at] = uint32(rows.start), rows.offset
		return u, nil, nil
	}
	f, err := firsts.read(s.offsets[at], u.line)
	if err != nil || bytes.Equal(f.upn, rows.key) {
		return u, f, err
	}
	o := s.others[string(rows.key)]
	if o == nil {
		o = &other{user{line: uint32(rows.start)}, rows.offset}
		s.others[string(rows.key)] = o
		return &o.user, nil, nil
	}
	f, err = firsts.read(o.offset, o.line)
	return &o.user, f, err
}

// verdict judges a row that starts on a line, of the user called upn, in lower
// case, with a hash that is in s.hashes.
func (s *shared) verdict(hash uint64, upn []byte, line int) (Verdict, string) {
	u := &s.users[s.find(hash)]
	if o := s.others[string(upn)]; o != nil {
		u = &o.user
	}
	switch {
	case u.differ != 0:
		return Conflict, fmt.Sprintf("lines %d and %d ask for different things for this user", u.line, u.differ)
	case int(u.line) != line:
		return Duplicate, fmt.Sprintf("the same user as on line %d", u.line)
	}
	return Usable, ""
}

// firsts reads first rows of users again, and keeps some in case they are asked
// for again soon.
type firsts struct {
	rows *rows
	kept [1 << 12]first
}

// A first is what has to be known of the first row of a user.
type first struct {
	line uint32
	upn  []byte // in lower case
	want string
}

func newFirsts(r *Roster) *firsts {
	f := &firsts{rows: r.rows()}
	f.rows.ahead = 512 // one record, or two, not what follows
	return f
}

// read returns the first row that is at an offset and starts on a line. It is
// good until the next call.
func (f *firsts) read(offset int64, line uint32) (*first, error) {
	kept := &f.kept[line%uint32(len(f.kept))]
	if kept.line == line {
		return kept, nil
	}
	f.rows.seek(offset, int(line))
	if err := f.rows.records.next(); err != nil {
		return nil, err
	}
	f.rows.locate()
	want, err := f.rows.want()
	if err != nil {
		return nil, f.rows.roster.unsteady(int(line), err)
	}
	kept.line, kept.upn, kept.want = line, append(kept.upn[:0], f.rows.lower()...), want
	return kept, nil
}

// unsteady is for an Options.Want that takes back what it said.
func (r *Roster) unsteady(line int, err error) error {
	return r.errorf(line, 0, "the row could be used at first, and then not: %w", err)
}
