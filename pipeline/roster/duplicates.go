package roster

import (
	"bytes"
	"fmt"
	"io"
	"math/bits"
	"slices"
)

// sharedHashes are the users whose hash more than one row has. Each user has a number: the
// first one of a hash has the number of the hash, any other a number after all hashes. A
// line is the one that a row starts on; 32 bits are enough, because records refuses longer
// files.
type sharedHashes struct {
	hashes  []uint64 // sorted
	index   []uint32 // by the first bits of a hash: where such hashes begin
	shift   int
	others  map[string]int // by UPN in lower case: numbers of users whose hash another user had first
	lines   []uint32       // line of each user's first row, or 0
	offsets []int64        // offset of each user's first row; used only by compareRepeated
	rows    []uint32       // rows of each user so far; used only by compareRepeated
	differ  []uint32       // line of the first row that asks for something else than the user's first row, or 0
}

// newShared returns the users with these hashes, without rows.
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
	// About eight hashes for each entry of the index.
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

// compareRepeated reads the rows again and finds users with several rows, given the hashes
// that occur more than once. Equal hashes may be of different users, so it compares the
// UPNs.
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
			// All rows of the user so far become conflicts.
			s.differ[user] = uint32(rows.start)
			if len(r.found.Disputed) < mostRejections {
				upn := string(rows.data[rows.upn.start:rows.upn.end])
				r.found.Disputed = append(r.found.Disputed, Disputed{[2]int{int(first.line), rows.start}, short(upn, 200)})
			}
			r.found.Users--
			r.found.Duplicates -= int(s.rows[user]) - 2
			r.found.Conflicts += int(s.rows[user])
		}
	}
	s.offsets, s.rows = nil, nil
	r.shared = s
	return nil
}

// claim returns the number of the user of the row read last, whose hash is at that place
// in s.hashes, and the user's first row, or nil if the row read last is the first.
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

// first makes the row read last the first row of a user.
func (s *sharedHashes) first(user int, rows *rows) {
	s.lines[user], s.offsets[user] = uint32(rows.start), rows.offset
	if s.rows != nil {
		s.rows[user] = 1
	}
}

// verdict returns the verdict of a row that starts on a line, and the reason. upn is the
// user's UPN in lower case, and hash is one of s.hashes.
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

// inconsistent returns the error for a row that Roster.want first accepted and then refused.
func (r *Roster) inconsistent(line int, err error) error {
	return r.errorf(line, 0, "the row could be used when it was first read, but not the second time: %w", err)
}
