package results

import (
	"bufio"
	"encoding/csv"
	"io"
	"slices"

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

// An Excel of another language than English may translate true and false, in whatever
// case. It then separates cells by semicolons or TABs.
var (
	translatedTrue  = []string{"WAHR", "VRAI", "VERDADERO", "VERDADEIRO", "VERO", "WAAR"}
	translatedFalse = []string{"FALSCH", "FAUX", "FALSO", "ONWAAR"}
)

// untranslate returns the value that a translated one stands for, in a file with such separators.
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
