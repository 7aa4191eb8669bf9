package html

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"rollcall/pipeline"
)

// group returns n with commas between thousands.
func group[N int | int64](n N) string {
	text := strconv.FormatInt(int64(n), 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// amount is like [pipeline.Plural], with commas between thousands.
func amount[N int | int64](n N, noun string) string {
	return group(n) + strings.TrimLeft(pipeline.Plural(n, noun), "-0123456789")
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// duration returns d as text: "2 h 5 min", "12.5 s", "80 ms".
func duration(d time.Duration) string {
	switch {
	case d >= time.Hour:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		d = d.Round(time.Second)
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

// perSecond returns a rate as text, with a decimal only if it is below 10.
func perSecond(x float64) string {
	if x >= 1000 {
		return group(int(x + 0.5))
	}
	if x >= 10 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.1f", x)
}

// percent returns a share as text: "0%" only for none, and "100%" only for all.
func percent(n, of int) string {
	switch p := 100 * float64(n) / float64(max(of, 1)); {
	case n == 0 || n == of:
		return fmt.Sprintf("%.0f%%", p)
	case p < 0.1:
		return "<0.1%"
	case p > 99.9:
		return ">99.9%"
	default:
		return fmt.Sprintf("%.1f%%", p)
	}
}
