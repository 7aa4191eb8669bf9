package pace

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"rollcall/tenant"
)

// A cell is a tenant of the family: a bucket of tokens that refuses who finds it
// empty, at once, and takes its time for the others.
type cell struct {
	rate, burst float64
	latency     time.Duration
	retryAfter  time.Duration // negative: the reply has none
}

func (c cell) String() string {
	after := "none"
	if c.retryAfter >= 0 {
		after = c.retryAfter.String()
	}
	return fmt.Sprintf("%4v a second, burst %3v, latency %5v, Retry-After %4s", c.rate, c.burst, c.latency, after)
}

// family returns the tenants that a pace has to be found for.
func family() []cell {
	var cells []cell
	for _, rate := range []float64{5, 50, 200, 1000} {
		for _, burst := range []float64{1, 20, 200} {
			for _, latency := range []time.Duration{10 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second} {
				for _, after := range []time.Duration{-1, 0, time.Second, 5 * time.Second, 30 * time.Second} {
					cells = append(cells, cell{rate, burst, latency, after})
				}
			}
		}
	}
	return cells
}

// bound returns the share of the limit that coldCalls can get to with so many refusals,
// beginning with a full bucket. A refusal costs what the bucket gets in the pause,
// less what it keeps. A pause that the tenant does not ask for costs nothing here.
func (c cell) bound(refusals float64) float64 {
	allowed := c.rate * max(0, c.retryAfter.Seconds())
	return coldCalls / (coldCalls - c.burst + refusals*(allowed-min(c.burst, allowed)))
}

// A night is a run against a tenant in virtual time: one call after the other, by
// the clock, without goroutines.
type night struct {
	cell
	limiter *Limiter
	now     time.Time

	tokens  float64
	filled  time.Time
	idle    []time.Time // since when callers wait, in line
	slow    []reply     // to calls that were accepted, in order
	fast    []reply     // to those that were refused
	taken   int
	refused int
}

type reply struct {
	at   time.Time
	turn Turn
	err  error
}

func newNight(c cell, l *Limiter) *night {
	n := &night{cell: c, limiter: l, now: time.Unix(1e9, 0), tokens: c.burst}
	n.filled = n.now
	for range max(64, int(2*c.rate*c.latency.Seconds())) {
		n.idle = append(n.idle, n.now)
	}
	return n
}

// until goes on until so many calls were taken or so much time has passed, and
// returns how much of the limit was used meanwhile.
func (n *night) until(calls int, length time.Duration) float64 {
	start, before, end := n.now, n.taken, n.now.Add(length)
	for n.taken < calls && n.now.Before(end) {
		look := n.startCalls(calls, end)
		next := &n.slow
		if len(n.fast) > 0 && (len(n.slow) == 0 || n.fast[0].at.Before(n.slow[0].at)) {
			next = &n.fast
		}
		switch {
		case n.taken >= calls:
		case len(*next) == 0 || (*next)[0].at.After(look):
			n.now = look
		default:
			r := (*next)[0]
			*next = (*next)[1:]
			n.now = r.at
			n.limiter.observe(func() time.Time { return n.now }, r.turn, r.err)
			n.idle = append(n.idle, n.now)
		}
	}
	return float64(n.taken-before) / (n.rate * n.now.Sub(start).Seconds())
}

// startCalls starts the calls that may start now, and returns when to look again.
func (n *night) startCalls(calls int, end time.Time) time.Time {
	for len(n.idle) > 0 && n.taken < calls {
		turn, ok := n.limiter.enter(n.limiter.free.Load())
		if !ok {
			var wait time.Duration
			turn, wait, ok = n.limiter.try(n.now, len(n.idle) > 1 || n.idle[0].Before(n.now))
			if !ok && wait < end.Sub(n.now) {
				return n.now.Add(wait)
			}
		}
		if !ok {
			break
		}
		n.idle = n.idle[1:]
		n.call(turn)
	}
	return end
}

func (n *night) call(turn Turn) {
	n.tokens = min(n.burst, n.tokens+n.rate*n.now.Sub(n.filled).Seconds())
	n.filled = n.now
	if n.tokens >= 1-1e-6 {
		n.tokens--
		n.taken++
		n.slow = append(n.slow, reply{n.now.Add(n.latency), turn, nil})
		return
	}
	n.refused++
	e := &tenant.Error{Class: tenant.Throttled, RetryAfter: max(0, n.retryAfter), Err: errors.New("too many")}
	n.fast = append(n.fast, reply{n.now.Add(min(n.latency, 20*time.Millisecond)), turn, e})
}

func (n *night) throttled() float64 { return float64(n.refused) / float64(n.refused+n.taken) }

// A finding is how a run fares with a tenant: shares of the tenant's limit, and of
// the calls.
type finding struct {
	cell
	cold, long, warm, throttled float64
}

const coldCalls = 4000

// measure runs coldCalls, the same again with what was found, and as many as there
// are from the end of a minute on for so long.
func (c cell) measure(length time.Duration) finding {
	f := finding{cell: c}
	cold := newNight(c, New(0))
	f.cold = cold.until(coldCalls, time.Hour)

	warm := newNight(c, New(0))
	warm.limiter.Assume(cold.limiter.Limits())
	f.warm = warm.until(coldCalls, time.Hour)

	long := newNight(c, New(0))
	long.until(math.MaxInt, time.Minute)
	f.long = long.until(math.MaxInt, length)
	f.throttled = max(cold.throttled(), long.throttled())
	return f
}

// among returns the value that a share q of the findings do not exceed.
func among(fs []finding, q float64, of func(finding) float64) float64 {
	var all []float64
	for _, f := range fs {
		all = append(all, of(f))
	}
	slices.Sort(all)
	return all[int(math.Round(q*float64(len(all)-1)))]
}

func (f finding) ofCold() float64      { return f.cold }
func (f finding) ofLong() float64      { return f.long }
func (f finding) ofWarm() float64      { return f.warm }
func (f finding) ofThrottled() float64 { return f.throttled }

// named are the cells that the goals speak of.
func (c cell) named() bool { return c.rate == 200 && c.burst == 20 && c.retryAfter == time.Second }

// The pace that is found for the family is a good one: looser bounds than the
// goals, in less time than BenchmarkFamily takes.
func TestFamily(t *testing.T) {
	cells := family()
	if isBrief() {
		cells = slices.DeleteFunc(cells, func(c cell) bool { return c.rate > 200 || c.latency == 2*time.Second || c.burst == 20 && !c.named() })
	}
	var fs []finding
	for _, c := range cells {
		length := 5 * time.Minute
		if c.rate > 200 {
			length = time.Minute
		}
		f := c.measure(length)
		fs = append(fs, f)
		if c.rate <= 200 && f.long < 0.68 {
			t.Errorf("%v: %.1f%% of the limit after a minute, want 68%%", c, 100*f.long)
		}
		if f.throttled > most {
			t.Errorf("%v: %.2f%% of the calls were throttled", c, 100*f.throttled)
		}
		if c.named() && (f.cold < 0.89 || f.long < 0.97 || f.warm < 0.97) {
			t.Errorf("%v: %.1f%% of the limit cold, %.1f%% after a minute, %.1f%% warm; want 89%%, 97%% and 97%%", c, 100*f.cold, 100*f.long, 100*f.warm)
		}
	}
	for _, x := range []struct {
		name string
		of   func(finding) float64
		want float64
	}{{"cold", finding.ofCold, 0.86}, {"after a minute", finding.ofLong, 0.93}, {"warm", finding.ofWarm, 0.96}} {
		if got := among(fs, 0.5, x.of); got < x.want {
			t.Errorf("the median of the limit %s is %.1f%%, want %.0f%%", x.name, 100*got, 100*x.want)
		}
	}
}

// How much of the limits of a family of tenants a run uses that has to find them
// out: over 4,000 calls from cold, over ten minutes from the first one on, and over
// 4,000 calls with what the cold run found. Beside it is the most that physics allows:
// with one refusal when cold, and with none when warm. More than 100% is a burst.
func BenchmarkFamily(b *testing.B) {
	var fs []finding
	for b.Loop() {
		fs = fs[:0]
		for _, c := range family() {
			fs = append(fs, c.measure(10*time.Minute))
		}
	}
	// Not by b.Log, of which only ten lines are shown.
	fmt.Println("% of the limit (at most)                                         cold         after a minute       warm       throttled")
	for _, f := range fs {
		fmt.Printf("%v  %5.1f (%5.1f)  %5.1f (100.0)  %5.1f (%5.1f)  %.2f\n",
			f.cell, 100*f.cold, 100*f.bound(1), 100*f.long, 100*f.warm, 100*f.bound(0), 100*f.throttled)
	}
	b.ReportMetric(0, "ns/op")
	for _, x := range []struct {
		name string
		q    float64
		of   func(finding) float64
	}{
		{"%-cold-median(goal>=88)", 0.5, finding.ofCold},
		{"%-cold-median-with-one-refusal", 0.5, func(f finding) float64 { return f.bound(1) }},
		{"%-after-a-minute-median(goal>=95)", 0.5, finding.ofLong},
		{"%-after-a-minute-worst(goal>=75)", 0, finding.ofLong},
		{"%-warm-median(goal>=97)", 0.5, finding.ofWarm},
		{"%-throttled-median(goal<=0.5)", 0.5, finding.ofThrottled},
		{"%-throttled-worst(goal<=2)", 1, finding.ofThrottled},
	} {
		b.ReportMetric(100*among(fs, x.q, x.of), x.name)
	}
}
