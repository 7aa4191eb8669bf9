package report

import (
	"fmt"
	"strings"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/pace"
)

// CountsText says what became of the rows that have a result, in the order of the
// statuses: "3 rows: 2 applied, 1 not-found".
func CountsText(c *pipeline.Counts) string {
	var counts []string
	for status, n := range c.ByStatus {
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, pipeline.Status(status)))
		}
	}
	text := pipeline.Plural(c.Done(), "row")
	if counts != nil {
		text += ": " + strings.Join(counts, ", ")
	}
	return text
}

// Unfinished says in lines what there is beside the rows of [CountsText], so that
// all rows are accounted for: those in progress, if they may have been set perhaps
// changed, and those not attempted. It also says how many of the results are not in
// the results file.
func Unfinished(c *pipeline.Counts, maybeSet bool) []string {
	var lines []string
	if c.Journalled > 0 {
		whose := "their results are"
		if c.Journalled == 1 {
			whose = "its result is"
		}
		lines = append(lines, fmt.Sprintf("%d of them finished out of order: %s in the journal, and not yet in the results file", c.Journalled, whose))
	}
	if c.InProgress > 0 {
		line := pipeline.Plural(c.InProgress, "row") + " in progress: without a result"
		if maybeSet {
			line += ", and perhaps changed"
		}
		lines = append(lines, line)
	}
	if n := c.NotAttempted(); n > 0 {
		lines = append(lines, pipeline.Plural(n, "row")+" not attempted")
	}
	return lines
}

// Pace says in a line what a run cost the tenant: calls, and how fast they were
// made in the time that it took. If the tenant said that they were too many, it
// says how many it was found to allow.
func Pace(run *pipeline.Run, elapsed time.Duration) string {
	calls := run.Stats.Calls.Load()
	text := fmt.Sprintf("%s in %v, %s; %s, throttled for %v",
		pipeline.Plural(calls, "call"), brief(elapsed), aSecond(float64(calls)/max(elapsed.Seconds(), 1e-9)),
		pipeline.Plural(run.Stats.Retries.Load(), "retry"), brief(run.Limiter.Throttled()))
	if _, outage := run.Outage(); outage > 0 {
		text += fmt.Sprintf("; no tenant for %v", brief(outage))
	}
	if allowed := found(run.Limiter); allowed != "" {
		text += "; the tenant allowed about " + allowed
	}
	return text
}

// found says what pace was found, or nothing: "198 a second and 8 at once".
func found(l *pace.Limiter) string {
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
