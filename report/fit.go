package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Fit writes lines of text to w as they fit a terminal of that width and height, and
// returns how many it wrote: longer lines are cut short, and of too many lines the first
// and the last are kept.
func Fit(w io.Writer, text string, width, height int) (lines int) {
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if most := max(height-1, 3); len(all) > most { // the cursor stands below the last
		left := len(all) - most + 1
		last := all[len(all)-1]
		all = append(all[:most-2:most-2], fmt.Sprintf("… %d more", left), last)
	}
	for _, line := range all {
		if utf8.RuneCountInString(line) >= width {
			line = string([]rune(line)[:max(width-2, 0)]) + "…"
		}
		fmt.Fprintln(w, line)
	}
	return len(all)
}
