package pipeline

import (
	"fmt"
	"strings"
)

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

// areDone returns "1 row is done" or "2 rows are done".
func areDone(rows int) string {
	if rows == 1 {
		return "1 row is done"
	}
	return Plural(rows, "row") + " are done"
}
