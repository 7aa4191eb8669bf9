package sandbox

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"

	"rollcall/tenant"
)

// everyone has a user for every name. It stores only users that were changed, by a hash of
// the name: 8 to 15 bytes for a user. The probability that two of ten million users have the
// same hash is five in a million.
type everyone struct {
	seed   maphash.Seed
	last   atomic.Pointer[step]
	shards [256]shard // by the top 8 bits of the hash
}

// A step is what a Set of a noun without rules of its own made of a user's
// more. Most often the next Set has the same parameters for another user: the
// two then share what comes of it, and a million users need no million maps.
type step struct {
	noun          *noun
	ps            []tenant.Parameter
	before, after *more
}

// like reports whether s is a step from before by a Set of n with the very
// same ps.
func (s *step) like(n *noun, before *more, ps []tenant.Parameter) bool {
	return s != nil && s.noun == n && s.before == before &&
		len(ps) > 0 && len(s.ps) == len(ps) && &s.ps[0] == &ps[0]
}

// A shard is the part of everyone that one lock guards.
type shard struct {
	mu sync.Mutex

	// An open-addressing hash table with linear probing. A slot is 0, or the
	// low 56 bits of a hash (those that don't choose the shard) and a user's
	// flags below them. A slot that is taken stays taken.
	slots []uint64
	taken int

	more map[uint64]*more // the users' more, by hash
	_    [16]byte         // fills a cache line: shards don't share any
}

func newEveryone() *everyone { return &everyone{seed: maphash.MakeSeed()} }

func (e *everyone) find(name string) (*shard, uint64) {
	h := maphash.String(e.seed, fold(name)) | 1 // a key is never 0
	return &e.shards[h>>56], h
}

func (e *everyone) read(name string) (user, bool) {
	s, h := e.find(name)
	s.mu.Lock()
	u := s.user(name, h)
	s.mu.Unlock()
	return u, true
}

func (e *everyone) update(name string, n *noun, ps []tenant.Parameter) (user, outcome, error) {
	s, h := e.find(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(name, h)
	after := u
	if last := e.last.Load(); last.like(n, u.more, ps) {
		after.more = last.after
	} else {
		var err error
		if after, err = n.set(n, u, ps); err != nil {
			return u, unchanged, err
		}
		if after.more != u.more {
			e.last.Store(&step{n, ps, u.more, after.more})
		}
	}
	if after == u {
		return u, unchanged, nil
	}
	if after.flags != u.flags {
		s.putFlags(h, after.flags)
	}
	if after.more != u.more {
		if s.more == nil {
			s.more = make(map[uint64]*more)
		}
		s.more[h] = after.more
	}
	return after, changed, nil
}

func (s *shard) user(name string, h uint64) user {
	u := user{name: name, more: s.more[h]}
	if len(s.slots) > 0 {
		u.flags = flags(s.slots[s.slot(h)])
	}
	return u
}

// slot returns the index of h's slot, or of the free one where it belongs.
func (s *shard) slot(h uint64) int {
	key := h << 8
	// The key as a fraction, of as many slots as there are: any number will
	// do, and keys are in their slots roughly in order.
	hi, _ := bits.Mul64(key, uint64(len(s.slots)))
	for i := int(hi); ; {
		if x := s.slots[i]; x == 0 || x&^0xff == key {
			return i
		}
		if i++; i == len(s.slots) {
			i = 0
		}
	}
}

func (s *shard) putFlags(h uint64, f flags) {
	if 8*(s.taken+1) > 7*len(s.slots) {
		s.grow()
	}
	i := s.slot(h)
	if s.slots[i] == 0 {
		s.taken++
	}
	s.slots[i] = h<<8 | uint64(f)
}

func (s *shard) grow() {
	old := s.slots
	s.slots = make([]uint64, max(16, len(old)*3/2))
	for _, x := range old {
		if x != 0 {
			s.slots[s.slot(x>>8)] = x
		}
	}
}
