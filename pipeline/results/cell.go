package results

import (
	"strconv"
	"strings"
)

// appendOwn appends a cell that rollcall writes, as [EscapeFormula] returns it.
func appendOwn(b []byte, cell string) []byte {
	return appendCell(b, EscapeFormula(cell))
}

// EscapeFormula returns cell, with an apostrophe before it if a spreadsheet would run it as
// a formula. Spreadsheets don't show the apostrophe.
func EscapeFormula(cell string) string {
	if isFormula(cell) {
		return "'" + cell
	}
	return cell
}

// UnescapeFormula returns the cell that [EscapeFormula] was called with.
func UnescapeFormula(cell string) string {
	if text, ok := strings.CutPrefix(cell, "'"); ok && isFormula(text) {
		return text
	}
	return cell
}

func isFormula(cell string) bool {
	if cell == "" {
		return false
	}
	switch cell[0] {
	case '\'': // UnescapeFormula would remove this apostrophe, so it gets another one
		return isFormula(cell[1:])
	case '=', '@', '\t', '\r':
		return true
	case '+', '-':
		_, err := strconv.ParseFloat(cell, 64)
		return err != nil
	}
	return false
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
		// Most bytes are above the comma: one comparison is enough for them.
		if c := cell[i]; c <= ',' && (c == ',' || c == '"' || c == '\n' || c == '\r') {
			return true
		}
	}
	first, last := cell[0], cell[len(cell)-1]
	return first == ' ' || first == '\t' || last == ' ' || last == '\t'
}
