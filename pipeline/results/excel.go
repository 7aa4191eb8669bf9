package results

import (
	"bufio"
	"encoding/csv"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// openCSV returns a reader of a CSV file that rollcall wrote. A spreadsheet may have saved it
// since: with a byte order mark, with semicolons or TABs, as UTF-16.
func openCSV(r io.Reader) *csv.Reader {
	in := bufio.NewReaderSize(transform.NewReader(r, unicode.BOMOverride(transform.Nop)), bufferSize)
	c := csv.NewReader(in)
	// The delimiter follows the name of the first column, which may be quoted.
	first, _ := in.Peek(len(leading[0]) + 3)
	for _, b := range first {
		if b == ';' || b == '\t' {
			c.Comma = rune(b)
			break
		}
	}
	return c
}

// An Excel of another language than English may save true and false, in whatever case,
// as these words. It then separates cells by semicolons or TABs.
var (
	translatedTrue  = []string{"WAHR", "VRAI", "VERDADERO", "VERDADEIRO", "VERO", "WAAR"}
	translatedFalse = []string{"FALSCH", "FAUX", "FALSO", "ONWAAR"}
)

// isTranslated reports whether cell is such a word. An Excel of that language may save it
// in capitals.
func isTranslated(cell string) bool {
	is := func(word string) bool { return strings.EqualFold(cell, word) }
	return slices.ContainsFunc(translatedTrue, is) || slices.ContainsFunc(translatedFalse, is)
}

// ownText returns the text that a cell that rollcall wrote stands for, in a file with the
// delimiter comma.
func ownText(cell string, comma rune) string {
	if text := UnescapeCell(cell); text != cell {
		return text // it was written as a text, and is no boolean
	}
	switch {
	case comma == ',':
	case slices.Contains(translatedTrue, cell):
		return "true"
	case slices.Contains(translatedFalse, cell):
		return "false"
	}
	return cell
}
