package report

import (
	"fmt"
	"time"
)

// speedOver is the time over which a speed is measured.
const speedOver = 10 * time.Second

// A speed measures how many rows a second a run has done of late.
type speed struct{ seen []rowsAt } // the first measurement, then those within speedOver

type rowsAt struct {
	time time.Time
	rows int64
}

// see records that rows are done at the time now, and returns the rows a second over the
// last seconds or, if none was done in these, since the start. It returns 0 in the first
// second, when no speed is known.
func (s *speed) see(now time.Time, rows int64) (perSecond float64) {
	s.seen = append(s.seen, rowsAt{now, rows})
	old := 1
	for old < len(s.seen)-1 && now.Sub(s.seen[old].time) > speedOver {
		old++
	}
	s.seen = append(s.seen[:1], s.seen[old:]...)
	since := func(r rowsAt) float64 {
		d := now.Sub(r.time)
		if d < time.Second {
			return 0
		}
		return float64(rows-r.rows) / d.Seconds()
	}
	if now.Sub(s.seen[0].time) > speedOver {
		if perSecond = since(s.seen[1]); perSecond > 0 {
			return perSecond
		}
	}
	return since(s.seen[0])
}

// rowsASecond returns a speed as text: "20/s", or "12/min" for a slow run.
func rowsASecond(perSecond float64) string {
	switch {
	case perSecond >= 9.95:
		return fmt.Sprintf("%.0f/s", perSecond)
	case perSecond >= 0.95:
		return fmt.Sprintf("%.1f/s", perSecond)
	case perSecond*60 >= 0.95:
		return fmt.Sprintf("%.0f/min", perSecond*60)
	}
	return fmt.Sprintf("%.0f/h", max(perSecond*3600, 1))
}

// timeLeft returns d as short text: 18s, 3m20s, 2h05m, 4d.
func timeLeft(d time.Duration) string {
	switch {
	case d < 0 || d > 99*24*time.Hour: // d overflowed
		return "99d"
	case d >= 100*time.Hour:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d/time.Minute%60)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d/time.Second%60)
	}
	return fmt.Sprintf("%ds", (d+time.Second-1)/time.Second)
}
