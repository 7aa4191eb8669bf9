package roster

import (
	"bytes"
	"fmt"
	"io"
	"math/bits"
	"slices"
)

// sharedHashes are the users whose hash is that of more than one row. Each has a
// number: those with a hash of their own that of the hash, the others one
// behind. Lines are those that rows start on; 32 bits are enough, for records
// refuses longer files.
type sharedHashes struct {
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
func newShared(hashes []uint64, differ bool) *sharedHashes {
	s := &sharedHashes{
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
func (s *sharedHashes) find(h uint64) int {
	i := h >> s.shift
	low, high := s.index[i], s.index[i+1]
	n, ok := slices.BinarySearch(s.hashes[low:high], h)
	if !ok {
		return -1
	}
	return int(low) + n
}

// compareRepeated reads the rows once more and finds the users that have several, given
// the hashes that occur more than once. A hash says who may be the same: who
// is, the text of the UPN says.
func (r *Roster) compareRepeated(repeated []uint64) error {
	s := newShared(repeated, r.want != nil)
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
			return r.inconsistent(rows.start, err)
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
func (s *sharedHashes) claim(at int, rows *rows, firsts *firsts) (user int, _ *first, _ error) {
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
func (s *sharedHashes) first(user int, rows *rows) {
	s.lines[user], s.offsets[user] = uint32(rows.start), rows.offset
	if s.rows != nil {
		s.rows[user] = 1
	}
}

// verdict judges a row that starts on a line, of the user called upn, in lower
// case, with a hash that is in s.hashes.
func (s *sharedHashes) verdict(hash uint64, upn []byte, line int) (Verdict, string) {
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

// inconsistent is for a Roster.want that takes back what it said.
func (r *Roster) inconsistent(line int, err error) error {
	return r.errorf(line, 0, "the row could be used at first, and then not: %w", err)
}
