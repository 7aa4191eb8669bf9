package roster

import (
	"slices"
	"strings"
)

// Nearest returns the one of words that is most like wrong, or "" if none is.
func Nearest(wrong string, words []string) string {
	best, least := "", len(wrong)/3+1 // with so many changes it is another word
	for _, w := range words {
		if len(w)-len(wrong) >= least { // a long word would take long to compare
			continue
		}
		if d := distance(wrong, w); d < least {
			best, least = w, d
		}
	}
	return best
}

// nearest returns the header that is most like name, or "".
func nearest(header []string, name string) string {
	plain := func(s string) string { return plainName(strings.ToLower(trim(s))) }
	words := make([]string, len(header))
	for i, h := range header {
		words[i] = plain(h)
	}
	if i := slices.Index(words, Nearest(plain(name), words)); i >= 0 {
		return trim(header[i])
	}
	return ""
}

// distance returns how many letters of a have to be added, removed, changed or swapped
// with the next one to get b.
func distance(a, b string) int {
	var before, above, row []int
	for j := range len(b) + 1 {
		row = append(row, j)
	}
	for i := range len(a) {
		before, above, row = above, row, []int{i + 1}
		for j := range len(b) {
			d := above[j]
			if a[i] != b[j] {
				d++
			}
			d = min(d, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, before[j-1]+1)
			}
			row = append(row, d)
		}
	}
	return row[len(b)]
}
