package roster

import (
	"math/bits"
	"slices"
)

// hashes collects the hashes of all users, in parts by their first byte, so that growing
// and sorting need little memory.
type hashes struct{ parts [256][]uint64 }

// add adds a hash.
func (s *hashes) add(h uint64) {
	part := &s.parts[h>>56]
	*part = append(*part, h)
}

// repeated returns the hashes that were added more than once, sorted, and removes all
// hashes.
func (s *hashes) repeated() (repeated []uint64) {
	for i, part := range s.parts {
		// Equal hashes have the same place, and few others do. A hash that is alone in
		// its place is not repeated, and need not be sorted.
		shared := make([]uint8, 8*len(part)) // 0, 1, or 2 for more
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
		s.parts[i] = nil
	}
	return repeated
}
