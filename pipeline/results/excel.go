package results

import (
	"bufio"
	"encoding/csv"
	"io"
	"slices"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// openCSV returns a reader of a CSV file of rollcall, or of one that a spreadsheet has saved
// since: with a byte order mark, semicolons or TABs, as UTF-16.
func openCSV(r io.Reader) *csv.Reader {
	in := bufio.NewReaderSize(transform.NewReader(r, unicode.BOMOverride(transform.Nop)), bufferSize)
	c := csv.NewReader(in)
	// Behind the name of the first column, which may be quoted, is what all are
	// separated by.
	first, _ := in.Peek(len(leading[0]) + 3)
	for _, b := range first {
		if b == ';' || b == '\t' {
			c.Comma = rune(b)
			break
		}
	}
	return c
}

// Whatever the case of true and false was, an Excel that speaks another language
// than English may write them in that, and if it does separates cells by semicolons
// or TABs.
var (
	translatedTrue  = []string{"WAHR", "VRAI", "VERDADERO", "VERDADEIRO", "VERO", "WAAR"}
	translatedFalse = []string{"FALSCH", "FAUX", "FALSO", "ONWAAR"}
)

// untranslate returns what a value was ahead of being saved with such separators.
func untranslate(value string, comma rune) string {
	switch {
	case comma == ',':
	case slices.Contains(translatedTrue, value):
		return "true"
	case slices.Contains(translatedFalse, value):
		return "false"
	}
	return value
}
