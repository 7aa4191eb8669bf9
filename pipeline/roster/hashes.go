package roster

import (
	"math/bits"
	"slices"
)

// hashes collects the hashes of all users, in parts by their first byte, so that sorting
// needs little memory. A part is a list of chunks, so that nothing is copied as it grows.
type hashes struct{ parts [256]*chunk }

// A chunk takes 2 KiB.
type chunk struct {
	before *chunk // it is full
	n      int
	hashes [254]uint64
}

// add adds a hash.
func (s *hashes) add(h uint64) {
	c := s.parts[h>>56]
	if c == nil || c.n == len(c.hashes) {
		c = &chunk{before: c}
		s.parts[h>>56] = c
	}
	c.hashes[c.n] = h
	c.n++
}

// repeated returns the hashes that were added more than once, sorted, and removes all
// hashes.
func (s *hashes) repeated() (repeated []uint64) {
	var part []uint64
	var shared []uint8 // 0, 1, or 2 for more
	for i, c := range s.parts {
		s.parts[i] = nil
		part = part[:0]
		for ; c != nil; c = c.before {
			part = append(part, c.hashes[:c.n]...)
		}
		// Equal hashes have the same place, and few others do. A hash that is alone in
		// its place is not repeated, and need not be sorted.
		shared = slices.Grow(shared[:0], 8*len(part))[:8*len(part)]
		clear(shared)
		place := func(h uint64) uint64 {
			p, _ := bits.Mul64(h<<8, uint64(len(shared)))
			return p
		}
		for _, h := range part {
			if p := place(h); shared[p] < 2 {
				shared[p]++
			}
		}
		part = slices.DeleteFunc(part, func(h uint64) bool { return shared[place(h)] < 2 })
		slices.Sort(part)
		for j := 1; j < len(part); j++ {
			if h := part[j]; h == part[j-1] && (j == 1 || h != part[j-2]) {
				repeated = append(repeated, h)
			}
		}
	}
	return repeated
}
