package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"rollcall/pipeline"
)

// redrawEvery is how often the progress line is drawn.
const redrawEvery = 100 * time.Millisecond

// eraseLine clears the line of the cursor, and moves the cursor to its beginning.
const eraseLine = "\x1b[2K\r"

// A progressLine is one line of a terminal that shows the progress of a run. Each
// drawing replaces the one before, and is never wider than the terminal at that moment.
type progressLine struct {
	total int64
	run   *pipeline.Run
	fleet func() FleetView // of many runs, in place of run
	at    Terminal
	speed speed
	drawn bool // it is on the screen
}

// A Terminal has functions that a progress line calls for each drawing.
type Terminal struct {
	Columns  func() int       // width of the terminal
	Deadline func() time.Time // when an interrupted run stops at once; nil for never
}

// Progress draws the progress line of a run over total rows until stop is called.
func (c *Console) Progress(total int, run *pipeline.Run, at Terminal) (stop func()) {
	return c.draw(&progressLine{total: int64(total), run: run, at: at})
}

// draw draws a progress line until stop is called.
func (c *Console) draw(line *progressLine) (stop func()) {
	c.mu.Lock()
	c.line = line
	c.mu.Unlock()
	return Every(redrawEvery, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		io.WriteString(c.w, c.line.redraw(time.Now()))
	}, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.erase()
		c.line = nil
	})
}

// erase removes the progress line from the screen, if it is there.
func (c *Console) erase() {
	if c.line != nil && c.line.drawn {
		io.WriteString(c.w, eraseLine)
		c.line.drawn = false
	}
}

// redraw returns the bytes that draw l in its state at the time now.
func (l *progressLine) redraw(now time.Time) string {
	l.drawn = true
	// A terminal may wrap the line after a write to its last column, and it shows ^C
	// after the line when the user interrupts.
	width := max(l.at.Columns()-1-len("^C"), 1)
	if l.fleet != nil {
		return l.redrawFleet(now, width)
	}
	rows := l.run.Stats.Rows.Load()
	perSecond := l.speed.see(now, rows)
	if l.run.Stopping() {
		most := time.Duration(math.MaxInt64)
		if l.at.Deadline != nil && l.run.Interrupted() {
			most = l.at.Deadline().Sub(now)
		}
		return "\r" + stoppingLine(l.run, width, most) + "\x1b[K"
	}
	return fitted(rows, max(l.total, 1), segments(l.run, rows, l.total, perSecond), width)
}

// A segment is one piece of information in a progress line.
type segment struct {
	rank int // the lower, the more important
	text string
}

// Ranks of segments. The bar is less important than the segments below barRank.
const (
	rankDone = iota
	rankLeft
	rankSpeed
	rankFailed
	rankThrottled
	barRank
	rankReadBack
	rankStatuses
	rankPace
)

// segments returns the segments for a run that has done rows of total rows, from left to
// right.
func segments(run *pipeline.Run, rows, total int64, perSecond float64) []segment {
	all := []segment{{rankDone, fmt.Sprintf("%d/%d", rows, total)}}
	add := func(rank int, text string) { all = append(all, segment{rank, text}) }
	if since, _ := run.Outage(); !since.IsZero() {
		add(rankLeft, "outage since "+since.Format(time.TimeOnly))
	} else if perSecond > 0 {
		add(rankSpeed, rowsASecond(perSecond))
		if rows < total {
			add(rankLeft, timeLeft(time.Duration(float64(total-rows)/perSecond*float64(time.Second)))+" left")
		}
	}
	failed, statuses := int64(0), []string(nil)
	for s := range run.Stats.ByStatus {
		if n := run.Stats.ByStatus[s].Load(); n > 0 {
			statuses = append(statuses, fmt.Sprintf("%d %s", n, pipeline.Status(s)))
			if pipeline.Status(s).IsFailure() {
				failed += n
			}
		}
	}
	if failed > 0 {
		add(rankFailed, fmt.Sprintf("%d failed", failed))
	}
	if d := run.Limiter.PauseLeft(); d > time.Second {
		add(rankThrottled, fmt.Sprintf("waiting %v", d.Round(time.Second)))
	} else if d := run.Limiter.Throttled().Round(time.Second); d > 0 {
		add(rankThrottled, fmt.Sprintf("throttled %v", d))
	}
	if n, _ := run.ReadingBack(); n > 0 {
		add(rankReadBack, fmt.Sprintf("%d reading back", n))
	}
	if statuses != nil {
		add(rankStatuses, "("+strings.Join(statuses, ", ")+")")
	}
	if byRun, earlier := found(run.Limiter); byRun != nil || earlier != nil {
		add(rankPace, "pace "+strings.Join(append(byRun, earlier...), " and "))
	}
	return all
}

// Bounds of the bar, in characters.
const (
	narrowBar = 3
	wideBar   = 15
)

// Columns that a line needs in addition to its text: for the percentage and blanks, and
// for the blanks around a bar.
const (
	besideText = len(" 100%  ")
	besideBar  = len(" 100%     ") - besideText
)

// fitted returns the bytes that draw a line of at most width columns: the percentage, a
// bar, and the segments. What does not fit is left out, the least important first.
func fitted(rows, total int64, all []segment, width int) string {
	var text string
	keep := make([]bool, len(all))
	fits := func(i, room int) bool {
		keep[i] = true
		var parts []string
		for j, s := range all {
			if keep[j] {
				parts = append(parts, s.text)
			}
		}
		joined := strings.Join(parts, "  ")
		if keep[i] = len(joined) <= room; keep[i] {
			text = joined
		}
		return keep[i]
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(all[a].rank, all[b].rank) })
	room := width - besideText
	whole := true // all that is more important than the bar fits
	for _, i := range order {
		if all[i].rank < barRank {
			whole = whole && fits(i, room)
		}
	}
	// A block takes two columns where terminals are set to East Asian text.
	bar := min((room-besideBar-len(text))/2, wideBar)
	if !whole || bar < narrowBar {
		bar = 0
	} else {
		room -= besideBar + 2*bar
	}
	for _, i := range order {
		if all[i].rank > barRank {
			whole = whole && fits(i, room)
		}
	}
	if bar > 0 {
		return drawBar(rows, total, bar, text)
	}
	line := strings.TrimRight(fmt.Sprintf("%4d%%  %s", 100*min(rows, total)/total, text), " ")
	return "\r" + line[:min(len(line), width)] + "\x1b[K"
}

// drawBar returns the bytes that draw a line with a bar of the given width in characters.
func drawBar(rows, total int64, bar int, text string) string {
	var b bytes.Buffer
	p := progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(&b),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetWidth(bar),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: " "}),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionSetDescription(text),
	)
	p.Set64(min(rows, total))
	if !p.IsFinished() { // a finished bar has been drawn already
		b.Reset()
		p.Describe(text) // always draws; Set64 draws only if a block has changed
	}
	return b.String()
}

// stoppingLine returns a line of at most width columns for a run that begins no more
// rows: what it waits for. It stops at once when the time left is over.
func stoppingLine(run *pipeline.Run, width int, left time.Duration) string {
	stopping := "stopping: " + pipeline.Plural(run.Stats.InProgress(), "row") + " in progress"
	why := ""
	if since, _ := run.Outage(); !since.IsZero() {
		why = fmt.Sprintf(" (outage since %s)", since.Format(time.TimeOnly))
	} else if d := run.Limiter.PauseLeft(); d > time.Second {
		why = fmt.Sprintf(" (waiting %v)", d.Round(time.Second))
	} else if n, most := run.ReadingBack(); n > 0 {
		rows := ""
		if n < run.Stats.InProgress() {
			rows = fmt.Sprintf("%d ", n)
		}
		why = fmt.Sprintf(" (%sreading back, up to %v)", rows, max(min(most, left), time.Second).Round(time.Second))
	}
	again := ""
	if run.Interrupted() {
		again = "; interrupt again to stop at once"
	}
	for _, line := range []string{stopping + why + again, stopping + again, stopping + why, stopping} {
		if len(line) <= width {
			return line
		}
	}
	return stopping[:width]
}
