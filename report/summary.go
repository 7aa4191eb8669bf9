package report

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"rollcall/pipeline"
)

// A Summary counts what became of rows. The zero value has counted none.
type Summary struct {
	Rows     int // recorded
	ByStatus [len(pipeline.Statuses)]int
}

// Record counts a row.
func (s *Summary) Record(r *pipeline.Result) error {
	s.Rows++
	s.ByStatus[r.Status]++
	return nil
}

// Flush does nothing.
func (s *Summary) Flush() error { return nil }

// Counted returns a Recorder that passes everything on to rec and counts in s what
// rec has taken for good: what was there at the last Flush that succeeded.
func Counted(rec pipeline.Recorder, s *Summary) pipeline.Recorder {
	return &counted{Recorder: rec, s: s}
}

type counted struct {
	pipeline.Recorder
	s       *Summary
	pending Summary
}

func (c *counted) Record(r *pipeline.Result) error {
	if err := c.Recorder.Record(r); err != nil {
		return err
	}
	return c.pending.Record(r)
}

func (c *counted) Flush() error {
	if err := c.Recorder.Flush(); err != nil {
		return err
	}
	c.s.Rows += c.pending.Rows
	for status, n := range c.pending.ByStatus {
		c.s.ByStatus[status] += n
	}
	c.pending = Summary{}
	return nil
}

// Failed returns how many rows count as failed.
func (s *Summary) Failed() int {
	n := 0
	for status, count := range s.ByStatus {
		if pipeline.Status(status).Bad() {
			n += count
		}
	}
	return n
}

// AsWanted reports whether there is no row that failed or differs.
func (s *Summary) AsWanted() bool {
	return s.Failed() == 0 && s.ByStatus[pipeline.Differs] == 0
}

// String returns the counts in words, in the order of the statuses: "3 rows: 2
// applied, 1 not-found".
func (s *Summary) String() string {
	var counts []string
	for status, n := range s.ByStatus {
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, pipeline.Status(status)))
		}
	}
	text := Plural(s.Rows, "row")
	if counts != nil {
		text += ": " + strings.Join(counts, ", ")
	}
	return text
}

// Pace says in a line what a run cost the tenant: calls, and how fast they were
// made in the time that it took. If the tenant said that they were too many, it
// says how many it was found to allow.
func Pace(run *pipeline.Run, elapsed time.Duration) string {
	calls := run.Stats.Calls.Load()
	text := fmt.Sprintf("%s in %v, %s; %s, throttled for %v",
		Plural(calls, "call"), brief(elapsed), aSecond(float64(calls)/max(elapsed.Seconds(), 1e-9)),
		Plural(run.Stats.Retries.Load(), "retry"), brief(run.Limiter.Throttled()))
	if allowed := found(run.Limiter); allowed != "" {
		text += "; the tenant allowed about " + allowed
	}
	return text
}

// found says what pace was found, or nothing: "198 a second and 8 at once".
func found(l *pipeline.Limiter) string {
	var parts []string
	perSecond, atOnce := l.Pace()
	if perSecond > 0 {
		parts = append(parts, aSecond(perSecond))
	}
	if atOnce > 0 {
		parts = append(parts, fmt.Sprintf("%d at once", atOnce))
	}
	return strings.Join(parts, " and ")
}

func aSecond(x float64) string { return fmt.Sprintf("%.*f a second", decimals(x), x) }

// brief rounds d to what a person wants to know of it.
func brief(d time.Duration) time.Duration {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second)
	case d >= time.Second:
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}

func decimals(x float64) int {
	if x < 10 {
		return 1
	}
	return 0
}

// Plural returns "1 row" or "2 rows", "1 retry" or "2 retries".
func Plural[N int | int64](n N, noun string) string {
	if n != 1 {
		if stem, ok := strings.CutSuffix(noun, "y"); ok {
			noun = stem + "ie"
		}
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// Tee returns a Recorder that passes everything on to each of recorders.
func Tee(recorders ...pipeline.Recorder) pipeline.Recorder { return tee(recorders) }

type tee []pipeline.Recorder

func (t tee) Record(r *pipeline.Result) error {
	for _, rec := range t {
		if err := rec.Record(r); err != nil {
			return err
		}
	}
	return nil
}

// Flush flushes all of them, those behind one that fails too.
func (t tee) Flush() error {
	var errs []error
	for _, rec := range t {
		errs = append(errs, rec.Flush())
	}
	return errors.Join(errs...)
}
