package roster

import (
	"bytes"
	"fmt"
	"io"
	"math/bits"
	"slices"
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

// repeated returns the hashes that were added more than once, in order, and
// perhaps 0. It leaves none behind.
func (s *hashes) repeated() []uint64 {
	var set []uint64   // open addressing; 0 is a free place, and so taken for repeated
	var twice []uint64 // of one part
	total := 0
	for i, part := range s.parts {
		n := 0
		for _, chunk := range part {
			n += len(chunk)
		}
		if n < 2 {
			s.parts[i] = nil
			continue
		}
		width := bits.Len(uint(n)) + 1
		if len(set) < 1<<width {
			set = make([]uint64, 1<<width)
		}
		set := set[:1<<width]
		clear(set)
		twice = twice[:0]
		for _, chunk := range part {
			for _, h := range chunk {
				// The first byte is the same for all.
				at := h << 8 >> (64 - width)
				for set[at] != 0 && set[at] != h {
					at = (at + 1) & uint64(len(set)-1)
				}
				if set[at] == h {
					twice = append(twice, h)
				}
				set[at] = h
			}
		}
		slices.Sort(twice)
		twice = slices.Compact(twice)
		total += len(twice)
		// They are fewer than what was there, so there is room for them.
		kept := part[:0]
		for left := twice; len(left) > 0; {
			chunk := part[len(kept)]
			n := copy(chunk, left)
			kept, left = append(kept, chunk[:n]), left[n:]
		}
		clear(part[len(kept):])
		s.parts[i] = kept
	}
	if total == 0 {
		return nil
	}
	repeated := make([]uint64, 0, total)
	for i, part := range s.parts {
		for _, chunk := range part {
			repeated = append(repeated, chunk...)
		}
		s.parts[i] = nil
	}
	return repeated
}

// shared are the users whose hash is that of more than one row. Each has a
// number: those with a hash of their own that of the hash, the others one
// behind. Lines are those that rows start on; 32 bits are enough, for records
// refuses longer files.
type shared struct {
	hashes  []uint64 // in order
	index   []uint32 // where the hashes begin whose first bits are the index
	shift   int
	others  map[string]int // numbers of users, by UPN in lower case, whose hash was another's first
	lines   []uint32       // of the first row of each user, or 0
	offsets []int64        // of the first row of each user; used by compare alone
	rows    []uint32       // of each user so far; used by compare alone
	differ  []uint32       // line of the row that asks for something else than the first, or 0
}

// newShared returns the users of whom hashes are, still without rows.
func newShared(hashes []uint64, differ bool) *shared {
	s := &shared{
		hashes:  hashes,
		others:  map[string]int{},
		lines:   make([]uint32, len(hashes)),
		offsets: make([]int64, len(hashes)),
	}
	if differ {
		s.rows = make([]uint32, len(hashes))
		s.differ = make([]uint32, len(hashes))
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
	low, high := s.index[i], s.index[i+1]
	n, ok := slices.BinarySearch(s.hashes[low:high], h)
	if !ok {
		return -1
	}
	return int(low) + n
}

// compare reads the rows once more and finds the users that have several, given
// the hashes that occur more than once. A hash says who may be the same: who
// is, the text of the UPN says.
func (r *Roster) compare(repeated []uint64) error {
	s := newShared(repeated, r.options.Want != nil)
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
		at := s.find(r.hash(rows.lower()))
		if at < 0 {
			continue
		}
		r.marks.set(rows.index, several)
		user, first, err := s.claim(at, rows, firsts)
		if err != nil {
			return err
		}
		if first == nil {
			continue
		}
		r.found.Users--
		if s.differ == nil {
			r.found.Duplicates++
			continue
		}
		want, err := rows.want()
		if err != nil {
			return r.unsteady(rows.start, err)
		}
		s.rows[user]++
		switch {
		case s.differ[user] != 0:
			r.found.Conflicts++
		case want == first.want:
			r.found.Duplicates++
		default:
			// All rows of the user up to here take the other side.
			s.differ[user] = uint32(rows.start)
			r.found.Users--
			r.found.Duplicates -= int(s.rows[user]) - 2
			r.found.Conflicts += int(s.rows[user])
		}
	}
	s.offsets, s.rows = nil, nil
	r.shared = s
	return nil
}

// claim returns the user of the row read last, whose hash is at that place in
// s.hashes, and the user's first row, or nil if the row read last is that.
func (s *shared) claim(at int, rows *rows, firsts *firsts) (user int, _ *first, _ error) {
	if s.lines[at] == 0 {
		s.first(at, rows)
		return at, nil, nil
	}
	f, err := firsts.read(s.offsets[at], s.lines[at])
	if err != nil || bytes.Equal(f.upn, rows.key) {
		return at, f, err
	}
	user, ok := s.others[string(rows.key)]
	if !ok {
		user = len(s.lines)
		s.others[string(rows.key)] = user
		s.lines, s.offsets = append(s.lines, 0), append(s.offsets, 0)
		if s.differ != nil {
			s.rows, s.differ = append(s.rows, 0), append(s.differ, 0)
		}
		s.first(user, rows)
		return user, nil, nil
	}
	f, err = firsts.read(s.offsets[user], s.lines[user])
	return user, f, err
}

// first makes the row read last the first of a user.
func (s *shared) first(user int, rows *rows) {
	s.lines[user], s.offsets[user] = uint32(rows.start), rows.offset
	if s.rows != nil {
		s.rows[user] = 1
	}
}

// verdict judges a row that starts on a line, of the user called upn, in lower
// case, with a hash that is in s.hashes.
func (s *shared) verdict(hash uint64, upn []byte, line int) (Verdict, string) {
	user, ok := s.others[string(upn)]
	if !ok {
		user = s.find(hash)
	}
	switch first := s.lines[user]; {
	case s.differ != nil && s.differ[user] != 0:
		return Conflict, fmt.Sprintf("lines %d and %d ask for different things for this user", first, s.differ[user])
	case int(first) != line:
		return Duplicate, fmt.Sprintf("the same user as on line %d", first)
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
	// First rows are often near each other, and mostly not.
	f.rows.ahead, f.rows.unchecked = 4096, true
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
