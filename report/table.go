package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"rollcall/pipeline/results"
	"rollcall/tenant"
)

// A Table holds a few records, to print in one of several forms. A record need not have
// a value for every column.
type Table struct {
	Columns []string
	Records []map[string]any // values by column

	// Lines, if not nil, gets each record as a JSON object on its own line when it is
	// added. Then Records stays empty.
	Lines io.Writer
	err   error // first error of Lines
}

// Add adds a record. Columns that the table does not have yet are added at the end.
func (t *Table) Add(columns []string, record map[string]any) {
	for _, c := range columns {
		if !slices.Contains(t.Columns, c) {
			t.Columns = append(t.Columns, c)
		}
	}
	if t.Lines != nil {
		t.line(record)
		return
	}
	t.Records = append(t.Records, record)
}

// line writes a record to Lines, unless an earlier write failed.
func (t *Table) line(record map[string]any) {
	if t.err != nil {
		return
	}
	var b bytes.Buffer
	if t.err = t.object(&b, record); t.err == nil {
		b.WriteByte('\n')
		_, t.err = b.WriteTo(t.Lines)
	}
}

// Err returns the first error of Lines, or nil.
func (t *Table) Err() error { return t.err }

// CSV writes the table as CSV.
func (t *Table) CSV(w io.Writer) error {
	cw := csv.NewWriter(w)
	cw.Write(t.Columns)
	for _, r := range t.Records {
		cells := t.cells(r)
		for i, cell := range cells {
			cells[i] = results.EscapeCell(cell)
		}
		cw.Write(cells)
	}
	cw.Flush()
	return cw.Error()
}

// Markdown writes the table as a Markdown table.
func (t *Table) Markdown(w io.Writer) error {
	var b bytes.Buffer
	row := func(cells []string) {
		for _, cell := range cells {
			fmt.Fprintf(&b, "| %s ", cell)
		}
		b.WriteString("|\n")
	}
	inert := func(cells []string) []string {
		cells = slices.Clone(cells)
		for i := range cells {
			cells[i] = markdown(cells[i])
		}
		return cells
	}
	row(inert(t.Columns))
	row(slices.Repeat([]string{"---"}, len(t.Columns)))
	for _, r := range t.Records {
		row(inert(t.cells(r)))
	}
	_, err := b.WriteTo(w)
	return err
}

// JSON writes the table as an array of objects, whose members are in the order
// of the columns and keep their types.
func (t *Table) JSON(w io.Writer) error {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, r := range t.Records {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := t.object(&b, r); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := out.WriteTo(w)
	return err
}

// object writes a record as an object, whose members are in the order of the columns.
func (t *Table) object(b *bytes.Buffer, record map[string]any) error {
	sep := byte('{')
	for _, c := range t.Columns {
		v, ok := record[c]
		if !ok {
			continue
		}
		name, _ := json.Marshal(c)
		value, err := json.Marshal(v)
		if err != nil {
			return err
		}
		b.WriteByte(sep)
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
		sep = ','
	}
	b.WriteByte('}')
	return nil
}

func (t *Table) cells(record map[string]any) []string {
	cells := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		if v, ok := record[c]; ok {
			cells[i] = tenant.Text(v)
		}
	}
	return cells
}
