package queue

import (
	"cmp"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// all is the skip of those who skip nothing.
func all(*seenJob) bool { return false }

// A worker is given what is said of pick: the fleet with the smallest share first, then
// the one submitted first, jobs in their order, never more than a fleet may have, and
// what is left by others when it is time.
func TestPick(t *testing.T) {
	t.Parallel()
	const takeover = 10 * time.Second
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	// A job as it stands: its state, and how long ago that was seen.
	type j struct {
		state string // waiting, held, ended, rejected by w, or left by a worker that had it
		age   time.Duration
	}
	type f struct {
		parallel int
		control  Control
		jobs     []j
		draft    bool // not accepted
	}
	for _, test := range []struct {
		name   string
		fleets []f
		want   string        // action, fleet and job
		wake   time.Duration // from now, if there is nothing to do
	}{
		{"nothing", nil, "", 0},
		{"in order", []f{{2, Control{}, []j{{"waiting", 0}, {"waiting", 0}}, false}}, "take 0.0", 0},
		{"the next one", []f{{2, Control{}, []j{{"held", 0}, {"waiting", 0}}, false}}, "take 0.1", 0},
		{"no more than it may have", []f{{1, Control{}, []j{{"held", time.Second}, {"waiting", 0}}, false}}, "", 9 * time.Second},
		{"submitted first", []f{{1, Control{}, []j{{"waiting", 0}}, false}, {1, Control{}, []j{{"waiting", 0}}, false}}, "take 0.0", 0},
		{"smallest share", []f{{4, Control{}, []j{{"held", 0}, {"waiting", 0}}, false}, {3, Control{}, []j{{"waiting", 0}}, false}}, "take 1.0", 0},
		{"a share, not a number", []f{{2, Control{}, []j{{"held", 0}, {"waiting", 0}}, false}, {10, Control{}, []j{{"held", 0}, {"held", 0}, {"waiting", 0}}, false}}, "take 1.2", 0},
		{"not accepted", []f{{1, Control{}, []j{{"waiting", 0}}, true}}, "", 0},
		{"holder is silent", []f{{1, Control{}, []j{{"held", takeover}}, false}}, "take 0.0", 0},
		{"holder is almost silent", []f{{1, Control{}, []j{{"held", takeover - 1}}, false}}, "", 1},
		{"one that waits ahead of an orphan keeps nobody out", []f{{1, Control{}, []j{{"waiting", 0}, {"held", takeover}}, false}}, "take 0.1", 0},
		{"an orphan in its order", []f{{3, Control{}, []j{{"waiting", 0}, {"held", takeover}}, false}}, "take 0.0", 0},
		{"orphans are no share", []f{{2, Control{}, []j{{"held", takeover}, {"held", takeover}}, false}, {2, Control{}, []j{{"held", 0}, {"waiting", 0}}, false}}, "take 0.0", 0},
		{"paused", []f{{1, Control{Paused: true}, []j{{"waiting", 0}}, false}}, "", 0},
		{"paused orphan", []f{{1, Control{Paused: true}, []j{{"held", takeover}}, false}}, "release 0.0", 0},
		{"paused tenant", []f{{1, Control{PausedTenants: []string{"t0"}}, []j{{"waiting", 0}, {"waiting", 0}}, false}}, "take 0.1", 0},
		{"stopped", []f{{1, Control{Stopped: "too many"}, []j{{"waiting", 0}}, false}}, "cancel 0.0", 0},
		{"stopped and left", []f{{1, Control{Stopped: "too many"}, []j{{"left", 0}}, false}}, "take 0.0", 0},
		{"cancelled and left", []f{{1, Control{Cancelled: true}, []j{{"left", 0}}, false}}, "take 0.0", 0},
		{"cancelled, left and rejected", []f{{1, Control{Cancelled: true}, []j{{"left rejected", 0}}, false}}, "", takeover},
		{"cancelled", []f{{1, Control{Cancelled: true}, []j{{"waiting", 0}}, false}}, "cancel 0.0", 0},
		{"cancelled and held", []f{{1, Control{Cancelled: true}, []j{{"held", time.Second}}, false}}, "", 9 * time.Second},
		{"cancelled orphan", []f{{1, Control{CancelledTenants: []string{"t1"}}, []j{{"held", 0}, {"held", takeover}}, false}}, "cancel 0.1", 0},
		{"ended just now", []f{{1, Control{}, []j{{"ended", 0}}, false}}, "", takeover},
		{"ended and left so", []f{{1, Control{}, []j{{"waiting", 0}, {"ended", takeover}}, false}}, "finish 0.1", 0},
		{"who has ended is no share", []f{{1, Control{}, []j{{"ended", 0}, {"waiting", 0}}, false}}, "take 0.1", 0},
		{"rejected", []f{{2, Control{}, []j{{"rejected", 4 * time.Second}}, false}}, "", 6 * time.Second},
		{"rejected, and nobody else wants it", []f{{2, Control{}, []j{{"rejected", takeover}}, false}}, "take 0.0", 0},
	} {
		var fleets []*seenFleet
		for i, x := range test.fleets {
			s := &seenFleet{fleetRecord: fleetRecord{Order: uint64(i + 1), Fleet: Fleet{ID: fmt.Sprint(i), Parallel: x.parallel, Takeover: takeover, Accepted: !x.draft, Control: x.control}}}
			for k, y := range x.jobs {
				job := &seenJob{seen: ago(y.age), entry: entry{Job: Job{Fleet: s.ID, Tenant: fmt.Sprintf("t%d", k), Index: k}}}
				switch y.state {
				case "held":
					job.Worker = "other"
				case "ended":
					job.Worker, job.Ended = "other", true
				case "left":
					job.Epoch = 1
				case "left rejected":
					job.Epoch, job.Rejections = 1, []rejection{{"w", ""}}
				case "rejected":
					job.Rejections = []rejection{{"w", ""}}
				}
				s.jobs = append(s.jobs, job)
			}
			fleets = append(fleets, s)
		}
		for range 3 { // in any order
			c, wake := pick(fleets, "w", now, all)
			got := ""
			if c.action != doNothing {
				got = fmt.Sprintf("%s %s.%d", [...]string{doTake: "take", doRelease: "release", doCancel: "cancel", doFinish: "finish"}[c.action], c.fleet.ID, c.job.Index)
			}
			if got != test.want {
				t.Errorf("%s: it is %q, want %q", test.name, got, test.want)
			}
			if got == "" && (wake.IsZero() != (test.wake == 0) || test.wake != 0 && !wake.Equal(now.Add(test.wake))) {
				t.Errorf("%s: it wakes after %v, want %v", test.name, wake.Sub(now), test.wake)
			}
			rand.Shuffle(len(fleets), func(i, k int) { fleets[i], fleets[k] = fleets[k], fleets[i] })
		}
	}
}

// A simulation of fleets and slots in virtual time.
type simulation struct {
	fleets []*seenFleet
	now    time.Duration
	ends   simulatedEnds
	begun  map[*seenFleet][]int           // indexes, in the order in which they were begun
	wait   map[*seenFleet]time.Duration   // the longest that it had nothing running and something to do
	since  map[*seenFleet]time.Duration   // that it has nothing running; absent if it has
	worked map[*seenFleet]time.Duration   // time that its jobs took
	most   map[*seenFleet]int             // that it had running
	over   map[*seenFleet]time.Duration   // when its last job ended
	length func(*seenFleet) time.Duration // of a job
}

type simulatedEnd struct {
	at    time.Duration
	fleet *seenFleet
	job   *seenJob
}

type simulatedEnds []simulatedEnd

func (s simulatedEnds) Len() int           { return len(s) }
func (s simulatedEnds) Less(i, k int) bool { return s[i].at < s[k].at }
func (s simulatedEnds) Swap(i, k int)      { s[i], s[k] = s[k], s[i] }
func (s *simulatedEnds) Push(x any)        { *s = append(*s, x.(simulatedEnd)) }
func (s *simulatedEnds) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// run works on all fleets with so many slots until nothing is left.
func (s *simulation) run(t *testing.T, slots int) {
	epoch := time.Now()
	for free := slots; ; {
		for free > 0 {
			for _, f := range s.fleets { // it is alive
				for _, j := range f.jobs {
					if j.Worker != "" {
						j.seen = epoch.Add(s.now)
					}
				}
			}
			c, _ := pick(s.fleets, "w", epoch.Add(s.now), all)
			if c.action == doNothing {
				break
			}
			free--
			s.begin(c)
		}
		if len(s.ends) == 0 {
			break
		}
		e := heap.Pop(&s.ends).(simulatedEnd)
		s.now = e.at
		free++
		s.end(e)
	}
	for _, f := range s.fleets {
		if len(f.jobs) > 0 {
			t.Errorf("fleet %s has %d jobs left", f.ID, len(f.jobs))
		}
	}
}

func (s *simulation) begin(c choice) {
	f := c.fleet
	if since, ok := s.since[f]; ok {
		s.wait[f] = max(s.wait[f], s.now-since)
		delete(s.since, f)
	}
	c.job.Worker = "w"
	s.begun[f] = append(s.begun[f], c.job.Index)
	d := s.length(f)
	s.worked[f] += d
	heap.Push(&s.ends, simulatedEnd{s.now + d, f, c.job})
	running := 0
	for _, j := range f.jobs {
		if j.Worker != "" {
			running++
		}
	}
	s.most[f] = max(s.most[f], running)
}

func (s *simulation) end(e simulatedEnd) {
	f := e.fleet
	f.jobs = slices.DeleteFunc(f.jobs, func(j *seenJob) bool { return j == e.job })
	s.over[f] = s.now
	if !slices.ContainsFunc(f.jobs, func(j *seenJob) bool { return j.Worker != "" }) && len(f.jobs) > 0 {
		s.since[f] = s.now
	}
}

func simulate(fleets ...*seenFleet) *simulation {
	s := &simulation{fleets: fleets, begun: map[*seenFleet][]int{}, wait: map[*seenFleet]time.Duration{}, since: map[*seenFleet]time.Duration{},
		worked: map[*seenFleet]time.Duration{}, most: map[*seenFleet]int{}, over: map[*seenFleet]time.Duration{}}
	for _, f := range fleets {
		s.since[f] = 0
	}
	return s
}

// simulatedFleet returns a fleet of n tenants.
func simulatedFleet(order, n, parallel int) *seenFleet {
	f := &seenFleet{fleetRecord: fleetRecord{Order: uint64(order), Fleet: Fleet{ID: fmt.Sprint(order), Parallel: parallel, Takeover: time.Minute, Accepted: true, Tenants: n}}}
	for i := range n {
		f.jobs = append(f.jobs, &seenJob{entry: entry{Job: Job{Fleet: f.ID, Index: i, Rows: 100}}})
	}
	return f
}

// Ten thousand tenants of a hundred rows, in fleets of many sizes, are worked on in
// their order; no fleet has more at once than it may; as long as several have something
// to do each has its share of the slots; none waits for longer than one job takes while
// there are more slots than fleets.
func TestSimulation(t *testing.T) {
	t.Parallel()
	const slots = 64
	rnd := rand.New(rand.NewPCG(18, 2))
	sizes := []int{4000, 2500, 1500, 1000, 500, 300, 150, 49, 1}
	parallel := []int{20, 40, 10, 20, 20, 5, 1, 20, 4}
	var fleets []*seenFleet
	total := 0
	for i := range sizes {
		if testing.Short() {
			sizes[i] = max(1, sizes[i]/10)
		}
		fleets = append(fleets, simulatedFleet(i+1, sizes[i], parallel[i]))
		total += sizes[i]
	}
	if total != 10_000 && !testing.Short() {
		t.Fatalf("there are %d tenants", total)
	}
	s := simulate(fleets...)
	var longest time.Duration
	s.length = func(*seenFleet) time.Duration { // 100 rows, 20 ms each on 4 workers, half as much more or less
		d := 100 * 20 * time.Millisecond / 4
		d += time.Duration(float64(d) * (rnd.Float64() - 0.5))
		longest = max(longest, d)
		return d
	}
	s.run(t, slots)
	for i, f := range fleets {
		if !slices.IsSorted(s.begun[f]) || len(s.begun[f]) != sizes[i] {
			t.Errorf("fleet %s: its %d jobs were begun out of order", f.ID, len(s.begun[f]))
		}
		if s.most[f] > f.Parallel {
			t.Errorf("fleet %s had %d at once, more than %d", f.ID, s.most[f], f.Parallel)
		}
		if s.wait[f] > longest {
			t.Errorf("fleet %s waited for %v", f.ID, s.wait[f])
		}
	}
	var worked time.Duration
	for _, f := range fleets {
		worked += s.worked[f]
	}
	if busy := float64(worked) / float64(s.now*slots); busy < 0.5 {
		t.Errorf("the slots were at work for %.2f of the time", busy)
	}
}

// Fleets that want more than there is have their shares of it, as they may have at once.
func TestShares(t *testing.T) {
	t.Parallel()
	const slots, length = 30, time.Second
	fleets := []*seenFleet{simulatedFleet(1, 2000, 20), simulatedFleet(2, 2000, 40), simulatedFleet(3, 2000, 60)}
	s := simulate(fleets...)
	rnd := rand.New(rand.NewPCG(18, 3))
	s.length = func(*seenFleet) time.Duration { return length/2 + time.Duration(rnd.Int64N(int64(length))) }
	s.run(t, slots)
	// As long as all are at work they have 5, 10 and 15: the largest is done first.
	if !slices.IsSortedFunc(fleets, func(a, b *seenFleet) int { return cmp.Compare(s.over[b], s.over[a]) }) {
		t.Errorf("they ended after %v, %v and %v", s.over[fleets[0]], s.over[fleets[1]], s.over[fleets[2]])
	}
	if got, want := s.over[fleets[2]].Seconds(), 2000.0/15; got < 0.9*want || got > 1.1*want {
		t.Errorf("the largest took %.0f s, want about %.0f", got, want)
	}
}

// A fleet that comes while another has all slots has its share as they become free, and
// a fleet submitted first is not overtaken by those that come later and later.
func TestNoStarvation(t *testing.T) {
	t.Parallel()
	const slots = 4
	big := simulatedFleet(1, 1000, 100)
	late := []*seenFleet{big}
	for i := range 50 {
		late = append(late, simulatedFleet(i+2, 20, 1))
	}
	s := simulate(late...)
	s.length = func(*seenFleet) time.Duration { return time.Second }
	s.run(t, slots)
	if got := s.begun[big]; len(got) != 1000 {
		t.Errorf("the first fleet had %d jobs", len(got))
	}
	for i, f := range late[1:] {
		// Two at most ahead of it in each of the three slots that the first leaves them.
		if want := time.Duration(i/3+1) * 21 * time.Second; s.over[f] > want+20*time.Second {
			t.Errorf("fleet %s ended after %v, later than %v", f.ID, s.over[f], want)
		}
	}
	if !strings.HasPrefix(fmt.Sprint(s.begun[big][:3]), "[0 1 2") {
		t.Errorf("it began with %v", s.begun[big][:3])
	}
}
