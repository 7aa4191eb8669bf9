package roster

import "strings"

// title returns the one cell of the header that is not blank if it looks like a title
// above a table, not like the name of a column; otherwise "". The next row then has the
// names of several columns, or that of a UPN column.
func (r *Roster) title() string {
	cells := filled(r.header)
	if len(cells) != 1 {
		return ""
	}
	for i := range len(delimiters) {
		next, err := r.headerUnder(delimiters[i], r.dialect.rows, r.dialect.line)
		for n := 0; err == nil && len(filled(next.names)) == 0 && n < sample; n++ { // blank lines
			next, err = r.headerUnder(delimiters[i], next.rows, next.line)
		}
		if err == nil && (next.hasUPN || strings.Contains(cells[0], " ") && len(filled(next.names)) > 1) {
			return cells[0]
		}
	}
	return ""
}

// filled returns the cells that are not blank, without the blanks around them.
func filled(cells []string) (kept []string) {
	for _, c := range cells {
		if c = trim(c); c != "" {
			kept = append(kept, c)
		}
	}
	return kept
}
