package roster

import (
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
