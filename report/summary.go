package report

import (
	"fmt"
	"strings"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/pace"
)

// CountsText returns the counts of the rows with a result, in the order of the statuses:
// "3 rows: 2 applied, 1 not-found".
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

// Fate returns what became of the users of rows in progress of a kind of run, in words; of
// an audit, "".
func Fate(kind string, maybeSet bool) string {
	switch {
	case kind == "audit":
		return ""
	case maybeSet:
		return "perhaps changed"
	}
	return "not changed"
}

// Unfinished returns lines on the rows that [CountsText] does not count: rows in
// progress with their fate (see [Fate]), and rows not attempted. It also
// returns a line on results that are not yet in the results file.
func Unfinished(c *pipeline.Counts, fate string) []string {
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
		if fate != "" {
			line += ", and " + fate
		}
		lines = append(lines, line)
	}
	if n := c.NotAttempted(); n > 0 {
		lines = append(lines, pipeline.Plural(n, "row")+" not attempted")
	}
	return lines
}

// shortest is the shortest run that a number of calls a second is told of: that of a
// shorter one says nothing about the tenant.
const shortest = 100 * time.Millisecond

// Pace returns a line on the calls of a run: how many, in how much time, how fast and for
// how long throttled. If the tenant throttled calls, it also has the pace that was found. If
// it throttled none, and the pace that an earlier run found held calls back, it has that one.
func Pace(run *pipeline.Run, elapsed time.Duration) string {
	calls := run.Stats.Calls.Load()
	text := fmt.Sprintf("%s in %v", pipeline.Plural(calls, "call"), brief(elapsed))
	if elapsed >= shortest {
		text += ", " + aSecond(float64(calls)/elapsed.Seconds())
	}
	text += fmt.Sprintf("; %s, throttled for %v", pipeline.Plural(run.Stats.Retries.Load(), "retry"), brief(run.Limiter.Throttled()))
	if _, outage := run.Outage(); outage > 0 {
		text += fmt.Sprintf("; outage for %v", brief(outage))
	}
	byRun, earlier := found(run.Limiter)
	if byRun != nil {
		text += "; the tenant allowed about " + strings.Join(byRun, " and ")
	}
	if earlier != nil {
		text += "; held at about " + strings.Join(earlier, " and ") + ", which an earlier run found"
	}
	return text
}

// found returns the limits that this run found, and those of an earlier run that held
// calls back: "198 a second", "8 at once".
func found(l *pace.Limiter) (byRun, earlier []string) {
	add := func(text string, remembered bool) {
		if remembered {
			earlier = append(earlier, text)
		} else {
			byRun = append(byRun, text)
		}
	}
	perSecond, atOnce := l.Pace()
	oldPerSecond, oldAtOnce := l.Remembered()
	if perSecond > 0 {
		add(aSecond(perSecond), oldPerSecond)
	}
	if atOnce > 0 {
		add(fmt.Sprintf("%d at once", atOnce), oldAtOnce)
	}
	return byRun, earlier
}

func aSecond(x float64) string { return fmt.Sprintf("%.*f a second", decimals(x), x) }

// brief rounds d to a precision that suits its length.
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
