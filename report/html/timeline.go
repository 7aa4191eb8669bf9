package html

import (
	"time"

	"rollcall/pipeline"
	"rollcall/report"
)

// A Timeline records how fast a run went over time: readings of its counters, at equal
// intervals. There are at most 240; the intervals of a long run are longer.
type Timeline struct {
	run      *pipeline.Run
	start    time.Time
	every    int // ticks between two readings
	tick     int
	readings []reading
	stop     func()
}

// A reading holds the counters since the start.
type reading struct {
	at             time.Duration
	rows           int64
	calls, retries int64
	throttled      time.Duration
}

const (
	readEvery   = 250 * time.Millisecond
	maxReadings = 240
)

// Watch starts to read the counters of a run. It ends when Stop is called.
func Watch(run *pipeline.Run) *Timeline {
	t := &Timeline{run: run, start: time.Now(), every: 1}
	t.read()
	t.stop = report.Every(readEvery, func() {
		if t.tick++; t.tick%t.every == 0 {
			t.read()
		}
	}, t.read)
	return t
}

// Stop takes the last reading. Call it before any other use of t.
func (t *Timeline) Stop() { t.stop() }

func (t *Timeline) read() {
	if len(t.readings) == maxReadings {
		// Drop every second reading, and keep the first.
		for i := range maxReadings / 2 {
			t.readings[i] = t.readings[2*i]
		}
		t.readings = t.readings[:maxReadings/2]
		t.every *= 2
	}
	s := &t.run.Stats
	t.readings = append(t.readings, reading{time.Since(t.start), s.Rows.Load(),
		s.Calls.Load(), s.Retries.Load(), t.run.Limiter.Throttled()})
}

// An interval holds what was counted between two readings.
type interval struct {
	from, to       time.Duration
	rows           int64
	calls, retries int64
	throttled      time.Duration
}

func (i interval) seconds() float64        { return (i.to - i.from).Seconds() }
func (i interval) callsPerSecond() float64 { return float64(i.calls) / max(i.seconds(), 1e-9) }

// intervals divides the run into at most n parts of nearly equal length.
func (t *Timeline) intervals(n int) []interval {
	var parts []interval
	last := len(t.readings) - 1
	n = min(n, last)
	for i := range n {
		a, b := t.readings[i*last/n], t.readings[(i+1)*last/n]
		if i == n-1 && n > 1 && b.at-a.at < (t.readings[1].at-t.readings[0].at)/4 {
			// The last part is too short for a rate: join it to the one before.
			p := &parts[i-1]
			a = t.readings[(i-1)*last/n]
			*p = between(a, b)
			break
		}
		parts = append(parts, between(a, b))
	}
	return parts
}

func between(a, b reading) interval {
	return interval{a.at, b.at, b.rows - a.rows, b.calls - a.calls, b.retries - a.retries, b.throttled - a.throttled}
}

// total returns the whole run as one interval.
func (t *Timeline) total() interval { return between(t.readings[0], t.readings[len(t.readings)-1]) }
