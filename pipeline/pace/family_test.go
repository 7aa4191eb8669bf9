package pace

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
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
	return fmt.Sprintf("%v a second, burst %v, latency %v, Retry-After %s", c.rate, c.burst, c.latency, after)
}

// family returns the cells of all tenants.
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

// cost returns the calls that a refusal costs: what the bucket allows in the
// pause, less what it keeps.
func (c cell) cost() float64 {
	allowed := c.rate * max(0, c.retryAfter.Seconds())
	return allowed - min(c.burst, allowed)
}

// bound returns the share of the limit that n calls can get to with so many
// refusals, beginning with a full bucket.
func (c cell) bound(n, refusals float64) float64 {
	return n / (n - c.burst + refusals*c.cost())
}

// A night is a run against a tenant in virtual time: calls one after the other by
// the clock, without goroutines.
type night struct {
	cell
	limiter *Limiter
	now     time.Time

	tokens  float64
	filled  time.Time
	idle    []time.Time // since when callers wait, in line
	slow    []reply     // of calls that were accepted, in order
	fast    []reply     // of those that were refused
	taken   int
	refused int
}

type reply struct {
	at   time.Time
	turn Turn
	err  error
}

func newNight(c cell, l *Limiter) *night {
	n := &night{cell: c, limiter: l, now: time.Unix(1e9, 0)}
	n.tokens, n.filled = c.burst, n.now
	for range max(64, int(2*c.rate*c.latency.Seconds())) {
		n.idle = append(n.idle, n.now)
	}
	return n
}

// until goes on until so many calls were taken or so much time has passed, and
// returns how long that took.
func (n *night) until(calls int, length time.Duration) time.Duration {
	start, end := n.now, n.now.Add(length)
	for n.taken < calls && n.now.Before(end) {
		look := end
		for len(n.idle) > 0 && n.taken < calls {
			turn, ok := n.limiter.pass()
			if !ok {
				var wait time.Duration
				turn, wait, ok = n.limiter.try(n.now, len(n.idle) > 1 || n.idle[0].Before(n.now))
				if !ok {
					if wait < end.Sub(n.now) {
						look = n.now.Add(wait)
					}
					break
				}
			}
			n.idle = n.idle[1:]
			n.call(turn)
		}
		next := &n.slow
		if len(n.fast) > 0 && (len(n.slow) == 0 || n.fast[0].at.Before(n.slow[0].at)) {
			next = &n.fast
		}
		if len(*next) == 0 || (*next)[0].at.After(look) {
			if n.taken < calls {
				n.now = look
			}
			continue
		}
		r := (*next)[0]
		*next = (*next)[1:]
		n.now = r.at
		n.limiter.observe(n.now, r.turn, r.err)
		n.idle = append(n.idle, n.now)
	}
	return n.now.Sub(start)
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
	e := &tenant.Error{Class: tenant.Throttled, RetryAfter: max(0, n.retryAfter), Err: errTooMany}
	n.fast = append(n.fast, reply{n.now.Add(min(n.latency, 20*time.Millisecond)), turn, e})
}

var errTooMany = errors.New("too many")

// A finding is how a tenant fared.
type finding struct {
	cell
	cold, long, warm         float64 // shares of the limit
	coldThrottled, throttled float64 // shares of the calls
	bound                    float64
	refusals                 int64
	rate                     float64
}

const coldCalls = 4000

func (c cell) measure(length time.Duration) finding {
	f := finding{cell: c, bound: c.bound(coldCalls, 1)}
	l := New(0)
	n := newNight(c, l)
	d := n.until(coldCalls, time.Hour)
	f.cold = float64(n.taken) / (c.rate * d.Seconds())
	f.refusals = l.refusals.Load()
	f.coldThrottled = n.throttled()

	known := l.Found()
	l = New(0)
	l.Assume(known)
	n = newNight(c, l)
	f.warm = coldCalls / (c.rate * n.until(coldCalls, time.Hour).Seconds())
	f.rate = known.Rate
	if length == 0 {
		return f
	}
	l = New(0)
	n = newNight(c, l)
	n.until(math.MaxInt, time.Minute)
	before := n.taken
	d = n.until(math.MaxInt, length)
	f.long = float64(n.taken-before) / (c.rate * d.Seconds())
	f.throttled = n.throttled()
	return f
}

func (n *night) throttled() float64 { return float64(n.refused) / float64(n.refused+n.taken) }

func percentile(fs []finding, q float64, of func(finding) float64) float64 {
	var all []float64
	for _, f := range fs {
		all = append(all, of(f))
	}
	slices.Sort(all)
	return all[int(q*float64(len(all)-1)+0.5)]
}

func TestFamilyTable(t *testing.T) {
	var fs []finding
	defer func() { recover() }()
	start := time.Now()
	length := 10 * time.Minute
	if d, err := time.ParseDuration(os.Getenv("LONG")); err == nil {
		length = d
	}
	for _, c := range family() {
		if want := os.Getenv("CELLS"); want != "" && !strings.Contains(c.String(), want) {
			continue
		}
		f := c.measure(length)
		fs = append(fs, f)
		if os.Getenv("TABLE") != "" {
			fmt.Printf("%5v %4v %6v %5v: cold %5.1f (bound %5.1f) %d refusals, throttled %.2f; warm %5.1f; long %5.1f throttled %.2f rate %.1f\n", c.rate, c.burst, c.latency, c.retryAfter, 100*f.cold, 100*f.bound, f.refusals, 100*f.coldThrottled, 100*f.warm, 100*f.long, 100*f.throttled, f.rate)
		}
	}
	for _, x := range []struct {
		name string
		of   func(finding) float64
	}{{"cold", func(f finding) float64 { return f.cold }}, {"bound", func(f finding) float64 { return f.bound }}, {"cold/bound", func(f finding) float64 { return f.cold / f.bound }},
		{"warm", func(f finding) float64 { return f.warm }}, {"long", func(f finding) float64 { return f.long }}, {"cold throttled", func(f finding) float64 { return f.coldThrottled }}, {"long throttled", func(f finding) float64 { return f.throttled }}} {
		fmt.Printf("%15s: worst %6.2f, 10%% %6.2f, median %6.2f, 90%% %6.2f best %6.2f\n", x.name, 100*percentile(fs, 0, x.of), 100*percentile(fs, 0.1, x.of), 100*percentile(fs, 0.5, x.of), 100*percentile(fs, 0.9, x.of), 100*percentile(fs, 1, x.of))
	}
	fmt.Println(time.Since(start))
}
