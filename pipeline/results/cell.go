package results

import (
	"strconv"
	"strings"
)

// appendOwn appends cells that rollcall writes, as [EscapeCell] returns them, with a
// comma before each.
func appendOwn(b []byte, cells ...string) []byte {
	for _, cell := range cells {
		b = appendCell(append(b, ','), EscapeCell(cell))
	}
	return b
}

// EscapeCell returns cell, with an apostrophe before it if a spreadsheet would run it as a
// formula, or may take it for true or false in its own language. Such cells are texts:
// rollcall writes the booleans in English.
func EscapeCell(cell string) string {
	if isUnsafe(cell) {
		return "'" + cell
	}
	return cell
}

// UnescapeCell returns the cell that [EscapeCell] was called with.
func UnescapeCell(cell string) string {
	if text, ok := strings.CutPrefix(cell, "'"); ok && isUnsafe(text) {
		return text
	}
	return cell
}

// isUnsafe reports whether a spreadsheet may make something else of cell.
func isUnsafe(cell string) bool {
	if cell == "" {
		return false
	}
	switch cell[0] {
	case '\'': // UnescapeCell would remove this apostrophe, so it gets another one
		return isUnsafe(cell[1:])
	case '=', '@', '\t', '\r':
		return true
	case '+', '-':
		_, err := strconv.ParseFloat(cell, 64)
		return err != nil
	}
	return isTranslated(cell)
}

// appendCell appends a cell in the form of RFC 4180. A cell that begins or ends with a
// blank is quoted, too, because some readers would trim it.
func appendCell(b []byte, cell string) []byte {
	if !needsQuotes(cell) {
		return append(b, cell...)
	}
	b = append(b, '"')
	for {
		i := strings.IndexByte(cell, '"')
		if i < 0 {
			break
		}
		b = append(b, cell[:i+1]...)
		b = append(b, '"')
		cell = cell[i+1:]
	}
	b = append(b, cell...)
	return append(b, '"')
}

func needsQuotes(cell string) bool {
	if cell == "" {
		return false
	}
	for i := range len(cell) {
		if special[cell[i]] {
			return true
		}
	}
	first, last := cell[0], cell[len(cell)-1]
	return first == ' ' || first == '\t' || last == ' ' || last == '\t'
}

// special has the bytes that stand for themselves only in quotes.
var special = [256]bool{',': true, '"': true, '\n': true, '\r': true}
