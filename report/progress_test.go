package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/pace"
)

// visible returns what a terminal shows of what draws a line.
func visible(drawn string) string {
	return strings.TrimPrefix(ansi.ReplaceAllString(drawn, ""), "\r")
}

// Whatever the width, a progress line is not wider, has nothing cut in the middle that
// it could have left out, and has of two things the more wanted one.
func TestFitted(t *testing.T) {
	all := []segment{{rankDone, "120/500"}, {rankSpeed, "20/s"}, {rankLeft, "18s left"}, {rankFailed, "3 failed"},
		{rankThrottled, "throttled 2s"}, {rankStatuses, "(117 applied, 3 not-found)"}, {rankPace, "pace 198 a second"}}
	was := -1
	for width := 1; width <= 200; width++ {
		line := visible(fitted(120, 500, all, width))
		if n := len([]rune(line)) + strings.Count(line, "█"); n > width { // where a block is two columns
			t.Fatalf("%d columns: %d in %q", width, n, line)
		}
		if width >= len("  24%") && !strings.HasPrefix(line, "  24%") {
			t.Errorf("%d columns: %q", width, line)
		}
		words := regexp.MustCompile(` +24%|█| {2,}`).ReplaceAllString(line, "\n")
		least, n := -1, 0
		for _, s := range all {
			if strings.Contains(words, "\n"+s.text+"\n") || strings.HasSuffix(strings.TrimSpace(words), s.text) {
				least, n = max(least, s.rank), n+1
			}
		}
		wanted := 0
		for _, s := range all {
			if s.rank <= least {
				wanted++
			}
		}
		if n != wanted {
			t.Errorf("%d columns: %q has what is less wanted, and not what is more", width, line)
		}
		if least < was {
			t.Errorf("%d columns: %q has less than a narrower line", width, line)
		}
		was = least
	}
	if got := visible(fitted(500, 500, all[:1], 60)); !strings.HasPrefix(got, " 100% ███████████████  120/500") {
		t.Errorf("done: %q", got)
	}
}

// A speed is that of the last ten seconds, and the one on the whole of a run that has
// stood still since.
func TestSpeed(t *testing.T) {
	var s speed
	start := time.Now()
	got := 0.0
	see := func(second float64, rows int64) {
		got = s.see(start.Add(time.Duration(second*float64(time.Second))), rows)
	}
	for i := range 600 { // a minute at 10 a second
		see(float64(i)/10, int64(i))
	}
	if fmt.Sprintf("%.1f", got) != "10.0" || len(s.seen) > 200 {
		t.Errorf("%v a second, of %d numbers", got, len(s.seen))
	}
	for i := range 150 { // then 20 a second, for 15 seconds
		see(60+float64(i)/10, 600+2*int64(i))
	}
	if fmt.Sprintf("%.0f", got) != "20" {
		t.Errorf("%v a second, want 20", got)
	}
	for i := range 150 { // then nothing
		see(75+float64(i)/10, 898)
	}
	if fmt.Sprintf("%.0f", got) != "10" {
		t.Errorf("%v a second, want 10: 898 in 90 seconds", got)
	}
	for d, want := range map[time.Duration]string{0: "0s", 17500 * time.Millisecond: "18s", 200 * time.Second: "3m20s", 125 * time.Minute: "2h05m", 100 * time.Hour: "4d", -1: "99d"} {
		if got := timeLeft(d); got != want {
			t.Errorf("timeLeft(%v) = %q, want %q", d, got, want)
		}
	}
	for perSecond, want := range map[float64]string{200: "200/s", 9.96: "10/s", 2.54: "2.5/s", 0.2: "12/min", 0.001: "4/h"} {
		if got := rowsASecond(perSecond); got != want {
			t.Errorf("rowsASecond(%v) = %q, want %q", perSecond, got, want)
		}
	}
}

// While a run is stopping, the line says what it waits for as far as there is room.
func TestStoppingLine(t *testing.T) {
	stop := make(chan struct{})
	close(stop)
	run := &pipeline.Run{Limiter: pace.New(0), Stop: stop}
	for width, want := range map[int]string{
		100: "stopping: 0 rows in progress; interrupt again to stop at once",
		60:  "stopping: 0 rows in progress",
		12:  "stopping: 0 ",
	} {
		if got := stoppingLine(run, width, time.Minute); got != want {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
}
