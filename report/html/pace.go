package html

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// A paceView shows the speed of the run over time.
type paceView struct {
	Figures []fact
	Charts  []chart
	Length  string // of the time axis
	Table   []paceRow
	Note    string
}

// A chart is an area over time, in a box of chartWidth by chartHeight.
type chart struct {
	Name, Class string
	Path        string
	Top         string // value at the upper edge of the box
	Says        string // the chart in words
}

type paceRow struct{ From, Rows, Calls, PerSecond, Retries, Throttled string }

const (
	chartWidth, chartHeight = 720, 100
	chartParts              = 120 // intervals of a chart
	tableParts              = 20  // rows of the table with the same values
	minParts                = 4   // intervals that a chart needs
)

func (p *Page) pace() *paceView {
	if p.Timeline == nil || len(p.Timeline.readings) < 2 {
		return nil
	}
	total := p.Timeline.total()
	if total.calls == 0 {
		return nil
	}
	v := &paceView{Length: duration(total.to)}
	for _, f := range []struct{ name, text string }{
		{"Calls", group(total.calls)},
		{"A second, on average", perSecond(total.callsPerSecond())},
		{"Calls repeated", group(total.retries)},
		{"Throttled for", duration(total.throttled)},
		{"Time", v.Length},
	} {
		v.Figures = append(v.Figures, fact{Name: f.name, Text: f.text})
	}
	if p.Earlier > 0 {
		v.Note = "Only the last run is shown: the speed of earlier runs is not recorded."
	}
	if parts := p.Timeline.intervals(chartParts); len(parts) >= minParts {
		v.Charts = charts(parts)
		for _, i := range p.Timeline.intervals(tableParts) {
			v.Table = append(v.Table, paceRow{duration(i.from), group(i.rows), group(i.calls),
				perSecond(i.callsPerSecond()), group(i.retries), duration(i.throttled)})
		}
	}
	return v
}

// charts returns the charts of the intervals: calls and, if there were any, throttling
// and repeated calls.
func charts(parts []interval) []chart {
	rates := make([]float64, len(parts))
	retries := make([]float64, len(parts))
	throttled := make([]float64, len(parts))
	var low, high = math.Inf(1), 0.0
	var repeated int64
	var held time.Duration
	for i, part := range parts {
		rates[i] = part.callsPerSecond()
		retries[i] = float64(part.retries) / max(part.seconds(), 1e-9)
		throttled[i] = min(1, part.throttled.Seconds()/max(part.seconds(), 1e-9))
		low, high = min(low, rates[i]), max(high, rates[i])
		repeated += part.retries
		held += part.throttled
	}
	top := nice(high)
	all := []chart{{Name: "Calls a second", Class: "calls", Path: area(parts, rates, top), Top: perSecond(top),
		Says: fmt.Sprintf("between %s and %s calls a second", perSecond(low), perSecond(high))}}
	if held > 0 {
		all = append(all, chart{Name: "Throttled, share of the time", Class: "throttled", Path: area(parts, throttled, 1), Top: "100%",
			Says: "held back for " + duration(held) + " in all"})
	}
	if repeated > 0 {
		most := 0.0
		for _, x := range retries {
			most = max(most, x)
		}
		top := nice(most)
		all = append(all, chart{Name: "Calls repeated a second", Class: "retries", Path: area(parts, retries, top), Top: perSecond(top),
			Says: fmt.Sprintf("%s repeated in all, at most %s a second", amount(repeated, "call"), perSecond(most))})
	}
	return all
}

// area returns the SVG path of a stepped area: each interval has a constant height.
func area(parts []interval, values []float64, top float64) string {
	length := parts[len(parts)-1].to.Seconds()
	var b strings.Builder
	fmt.Fprintf(&b, "M0 %d", chartHeight)
	for i, part := range parts {
		y := chartHeight * (1 - values[i]/max(top, 1e-9))
		x := chartWidth * part.to.Seconds() / max(length, 1e-9)
		fmt.Fprintf(&b, "V%.1fH%.1f", y, x)
	}
	fmt.Fprintf(&b, "V%dZ", chartHeight)
	return b.String()
}

// nice returns the least of 1, 2 and 5, times a power of ten, that is not below x.
func nice(x float64) float64 {
	if !(x > 0) {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(x)))
	for _, n := range []float64{1, 2, 5} {
		if x <= n*unit {
			return n * unit
		}
	}
	return 10 * unit
}
