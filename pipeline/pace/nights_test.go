package pace

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// A series is nights against one tenant, each of which begins with what the one before
// saved.
type series struct {
	*throttler
	dir     string
	workers int
}

// newSeries returns nights at a tenant that allows 20 calls a second, after one that found
// that.
func newSeries(t *testing.T) *series {
	tenant := &throttler{rate: 20, burst: 5, latency: 50 * time.Millisecond, refusal: 20 * time.Millisecond, retryAfter: time.Second}
	s := &series{tenant, t.TempDir(), 16}
	s.save(t, Limits{Rate: 19.8, MaxRate: 19.95, Burst: 5, Pause: 1})
	return s
}

// night drives the tenant for so long, and saves what was found.
func (s *series) night(t *testing.T, length time.Duration) *Limiter {
	t.Helper()
	s.accepted, s.refused = nil, nil
	l := New(0)
	l.Assume(s.saved(t))
	s.drive(t, l, s.workers, length)
	s.save(t, l.Limits())
	return l
}

func (s *series) save(t *testing.T, known Limits) {
	t.Helper()
	if err := Save(s.dir, "contoso", "Mailbox", known); err != nil {
		t.Fatal(err)
	}
}

func (s *series) saved(t *testing.T) Limits {
	t.Helper()
	known, err := Load(s.dir, "contoso", "Mailbox")
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// A night without a refusal lowers nothing that is saved.
func TestNothingDecaysWithoutARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeries(t)
		for i := range 4 {
			before := s.saved(t)
			s.night(t, 8*time.Second)
			if after := s.saved(t); len(s.refused) > 0 || after.Rate < before.Rate || after.MaxRate != before.MaxRate || after.Burst < math.Floor(before.Burst) {
				t.Errorf("night %d: %d refused; %+v after %+v", i+1, len(s.refused), after, before)
			}
		}
	})
}

// The width that is saved does not decay either.
func TestWidthDoesNotDecayWithoutARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeries(t)
		s.throttler.rate, s.atOnce, s.workers = 0, 30, 64
		s.save(t, Limits{AtOnce: 30})
		for range 4 {
			l := s.night(t, 2*time.Second)
			if _, n := l.Pace(); len(s.refused) > 0 || n < 28 || s.saved(t).AtOnce != 30 {
				t.Errorf("%d refused, %d at once were allowed, %d saved; want 30", len(s.refused), n, s.saved(t).AtOnce)
			}
			if _, old := l.Remembered(); !old {
				t.Error("a width that only an earlier night found is said to be of this one")
			}
		}
	})
}

// A pace that calls exceeded and that was not refused is not said to be the limit. The
// pace that they reached is saved.
func TestExceededPaceIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeries(t)
		s.set(0, 0)
		start := time.Now()
		l := s.night(t, 90*time.Second)
		reached := s.share(start, 80*time.Second, 90*time.Second, 1)
		if perSecond, _ := l.Pace(); perSecond != 0 || reached < 200 {
			t.Errorf("%v a second are said to be the limit, and calls came to %v", perSecond, reached)
		}
		if known := s.saved(t); known.Rate < 0.98*reached || known.Rate > 1.05*reached || known.MaxRate != 0 {
			t.Errorf("saved %+v, want a rate of %v", known, reached)
		}
		start = time.Now()
		s.night(t, 10*time.Second)
		if share := s.share(start, 0, 10*time.Second, reached); share < 0.95 {
			t.Errorf("the night after had %.1f%% of what was reached", 100*share)
		}
	})
}

// Of a limit that an earlier night found it is said who found it, and only while it
// is what holds calls back.
func TestRememberedPaceIsSaidToBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeries(t)
		l := s.night(t, 8*time.Second)
		old, _ := l.Remembered()
		if perSecond, _ := l.Pace(); !old || perSecond < 19 || perSecond > 20.1 {
			t.Errorf("held at %v a second, remembered: %v", perSecond, old)
		}
		s.latency, s.workers = time.Second, 4
		if perSecond, _ := s.night(t, 8*time.Second).Pace(); perSecond != 0 {
			t.Errorf("said to be held at %v a second, when workers were the limit", perSecond)
		}
		s.latency, s.workers = 50*time.Millisecond, 16
		s.set(10, 5)
		l = s.night(t, 20*time.Second)
		old, _ = l.Remembered()
		if perSecond, _ := l.Pace(); old || perSecond < 9 || perSecond > 10.5 {
			t.Errorf("found %v a second, remembered: %v; want 10", perSecond, old)
		}
	})
}

// Nights that are too short to doubt a limit doubt it together; and a limit that has not
// been refused for a week is doubted at once.
func TestRaisedLimitIsFoundInShortNights(t *testing.T) {
	for _, c := range []struct {
		name   string
		length time.Duration
		apart  time.Duration
		most   int
	}{
		{"16 s, at once", 16 * time.Second, 0, 5},
		{"45 s, at once", 45 * time.Second, 0, 3},
		{"5 s, one a day", 5 * time.Second, 24 * time.Hour, 6},
		{"5 s, after a week", 5 * time.Second, doubtAge, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSeries(t)
			s.set(0, 0)
			nights := 0
			for s.saved(t).Rate < 50 && nights < 100 {
				time.Sleep(c.apart)
				s.night(t, c.length)
				nights++
			}
			if nights > c.most {
				t.Errorf("%s: %d nights until 50 a second are known, want %d", c.name, nights, c.most)
			}
		})
	}
}

// To look again and again whether a limit still holds costs little where it does.
func TestNightsAtALimitThatHolds(t *testing.T) {
	for _, c := range []cell{
		{20, 1, 10 * time.Millisecond, time.Second}, {20, 20, 10 * time.Millisecond, time.Second},
		{200, 20, 500 * time.Millisecond, time.Second}, {50, 200, 500 * time.Millisecond, 5 * time.Second},
	} {
		known := Limits{}
		var share, throttled float64
		const nights = 20
		for i := range nights + 1 {
			n := newNight(c, New(0))
			n.limiter.Assume(known)
			used := n.until(1000, time.Hour)
			known = n.limiter.Limits()
			if i > 0 { // the first one is cold
				share += used / nights
				throttled += n.throttled() / nights
			}
		}
		if share < 0.93 || throttled > 0.005 {
			t.Errorf("%v: %.1f%% of the limit, %.2f%% throttled", c, 100*share, 100*throttled)
		}
	}
}

// What this night found is not said either once calls exceeded it; nor is a remembered
// pace where the ceiling holds calls back.
func TestPaceOfAnotherCauseIsNotSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeries(t)
		s.set(10, 5)
		time.AfterFunc(20*time.Second, func() { s.set(0, 0) })
		if perSecond, _ := s.night(t, 2*time.Minute).Pace(); perSecond != 0 || len(s.refused) == 0 {
			t.Errorf("%d refused, and %v a second are said to be the limit after it was lifted", len(s.refused), perSecond)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newSeries(t)
		l := New(18)
		l.Assume(s.saved(t))
		s.drive(t, l, s.workers, 8*time.Second)
		if perSecond, _ := l.Pace(); perSecond != 0 {
			t.Errorf("%v a second are said to be the limit, not the 18 that were allowed", perSecond)
		}
	})
}

// Where the workers or the width are what holds calls back, the pace is not raised far
// above what they reach, so that a later run with more of them does not begin too fast.
func TestUnusedPaceDoesNotRise(t *testing.T) {
	for _, c := range []struct {
		name    string
		workers int
		atOnce  int
	}{
		{"workers", 15, 0},
		{"width", 64, 15},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSeries(t)
			s.set(0, 0)
			s.latency, s.jitter, s.workers, s.atOnce = 500*time.Millisecond, time.Second, c.workers, c.atOnce
			s.save(t, Limits{Rate: 19.8, MaxRate: 19.95, Burst: 5, Pause: 1, AtOnce: c.atOnce})
			s.night(t, 10*time.Minute)
			if known := s.saved(t); known.Rate > 40 {
				t.Errorf("%s: %v a second are saved after a night of 15", c.name, known.Rate)
			}
		})
	}
}
