package results

import (
	"strconv"
	"strings"
)

// appendOwn appends a cell of rollcall's own, made safe where a spreadsheet would take it
// for a formula: with an apostrophe ahead of it, which spreadsheets don't show.
func appendOwn(b []byte, cell string) []byte {
	return appendCell(b, EscapeFormula(cell))
}

// EscapeFormula returns a cell with an apostrophe ahead of it if a spreadsheet would
// take it for a formula.
func EscapeFormula(cell string) string {
	if isFormula(cell) {
		return "'" + cell
	}
	return cell
}

// UnescapeFormula returns what [EscapeFormula] was given.
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
	case '\'': // it would be taken for one that stands for itself
		return isFormula(cell[1:])
	case '=', '@', '\t', '\r':
		return true
	case '+', '-':
		_, err := strconv.ParseFloat(cell, 64)
		return err != nil
	}
	return false
}

// appendCell appends a cell as RFC 4180 has it. A cell that begins or ends with
// a blank is quoted too, for readers that would trim it.
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
		// Most are above the comma: one comparison tells.
		if c := cell[i]; c <= ',' && (c == ',' || c == '"' || c == '\n' || c == '\r') {
			return true
		}
	}
	first, last := cell[0], cell[len(cell)-1]
	return first == ' ' || first == '\t' || last == ' ' || last == '\t'
}
