package xlsx

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Excel's own bounds.
const (
	maxRows    = 1 << 20
	maxColumns = 1 << 14
)

// maxRow is how many bytes the cells of a row may have together.
const maxRow = 512 << 10

// Rows are the rows of a sheet. It is for one goroutine.
type Rows struct {
	Number int      // of the row read last, as Excel has it
	Cells  []string // its cells, up to the last that has something; until the next is read
	Hidden bool     // it is not shown, be it for a filter

	Merged int // how many merged areas there are; known at the end

	book *Book
	in   *tokens
}

// Rows returns the rows of a sheet, from the first. The caller has to close it.
func (b *Book) Rows(s Sheet) (*Rows, error) {
	in, err := b.tokens(s.part, maxSheet)
	if err != nil {
		return nil, err
	}
	return &Rows{book: b, in: in}, nil
}

// Close ends the reading.
func (r *Rows) Close() { r.in.close() }

// Next reads the next row that the file has, and returns io.EOF behind the last. Rows
// without cells may be missing.
func (r *Rows) Next() error {
	for {
		e, err := r.in.begin("row", "mergeCell")
		switch {
		case err == io.EOF:
			r.Cells = nil
			return err
		case err != nil:
			return err
		case e.Name.Local == "mergeCell":
			r.Merged++
			continue
		case e.depth != 3: // where a button is
			continue
		}
		return r.row(e)
	}
}

// row reads the row that begins with e.
func (r *Rows) row(e *element) error {
	number := r.Number + 1
	if text := e.attr("r"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < number || n > maxRows {
			return r.in.wrong(fmt.Errorf("row %q after row %d", text, r.Number))
		}
		number = n
	}
	if number > maxRows {
		return r.in.wrong(fmt.Errorf("there are more than %d rows", maxRows))
	}
	r.Number, r.Hidden, r.Cells = number, isTrue(e.attr("hidden")), r.Cells[:0]
	size := 0
	for column := 0; ; {
		token, err := r.in.within()
		if err != nil {
			return err
		}
		if r.in.depth < e.depth {
			return nil
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "c" {
			continue
		}
		cell := &element{start, r.in.depth}
		if column, err = r.place(cell, column); err != nil {
			return err
		}
		text, err := r.cell(cell)
		if err != nil {
			return fmt.Errorf("cell %s%d: %w", columnName(column), number, err)
		}
		if text == "" {
			continue
		}
		if size += len(text); size > maxRow {
			return fmt.Errorf("row %d has more than %d KiB: this is not a workbook of users", number, maxRow>>10)
		}
		for len(r.Cells) < column-1 {
			r.Cells = append(r.Cells, "")
		}
		r.Cells = append(r.Cells, text)
	}
}

// place returns the number of the column of a cell that comes after another.
func (r *Rows) place(c *element, after int) (column int, err error) {
	ref := c.attr("r")
	if ref == "" {
		column = after + 1
	} else {
		letters := strings.TrimRight(ref, "0123456789")
		for _, l := range []byte(letters) {
			if l < 'A' || l > 'Z' || column > maxColumns {
				return 0, r.in.wrong(fmt.Errorf("cell %.20q in row %d", ref, r.Number))
			}
			column = 26*column + int(l-'A'+1)
		}
		if ref[len(letters):] != strconv.Itoa(r.Number) {
			column = 0
		}
	}
	if column <= after || column > maxColumns {
		return 0, r.in.wrong(fmt.Errorf("cell %.20q in row %d", ref, r.Number))
	}
	return column, nil
}

// columnName returns the letters of a column.
func columnName(column int) string {
	name := ""
	for ; column > 0; column = (column - 1) / 26 {
		name = string(rune('A'+(column-1)%26)) + name
	}
	return name
}

// cell returns the text of the cell that begins with c.
func (r *Rows) cell(c *element) (string, error) {
	kind := c.attr("t")
	var value, inline string
	var formula, valued bool
	for r.in.depth >= c.depth {
		token, err := r.in.within()
		if err != nil {
			return "", err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "v":
			valued = true
			value, err = r.in.content()
		case "is":
			inline, err = r.in.richText()
		case "f":
			formula = true
			_, err = r.in.content()
		default:
			_, err = r.in.content()
		}
		if err != nil {
			return "", err
		}
	}
	switch {
	case formula && (!valued || value == "" && kind != "str"):
		return "", errors.New("a formula whose value is not in the file, as programs other than Excel leave it: open the file in Excel, and save it")
	case kind == "inlineStr":
		return inline, nil
	case !valued || value == "":
		return "", nil
	}
	switch kind {
	case "s":
		return r.book.texts.text(value)
	case "str":
		return unescape(value), nil
	case "b":
		if isTrue(value) {
			return "TRUE", nil
		}
		return "FALSE", nil
	case "e", "d":
		return value, nil
	case "", "n":
		return r.book.formats.show(value, c.attr("s"))
	}
	return "", fmt.Errorf("a value of an unknown kind, %.20q", kind)
}
