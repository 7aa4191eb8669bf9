package roster

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"rollcall/pipeline/roster/xlsx"
)

// workbookEncoding is what a Description has for a workbook.
const workbookEncoding = "xlsx"

// maxSheetText is how many bytes the CSV may have that a sheet is made into.
const maxSheetText = 1 << 30

// A sheet is what a Description says about the sheet that was read.
type sheet struct {
	name   string
	others []string // names of the other sheets, if no sheet was named
	hidden oddity   // rows
	merged int      // areas
}

// isZip reports whether s is a zip file, as workbooks are.
func isZip(s *source) (bool, error) {
	b := make([]byte, min(4, s.size))
	err := s.readAt(b, 0)
	return string(b) == "PK\x03\x04", err
}

// readWorkbook makes r's source, which is a workbook, the rows of the sheet that is
// asked for, as CSV in which each line is the row of that number.
func (r *Roster) readWorkbook() error {
	fail := func(err error) error {
		if changed := r.src.changed(); changed != nil {
			return changed
		}
		if _, ok := errors.AsType[*Error](err); ok {
			return err
		}
		return &Error{Name: r.src.name, Err: err}
	}
	var err error
	if r.sum, err = r.src.sha256(); err != nil {
		return err
	}
	book, err := xlsx.Open(interruptible{r.src.file, r.options.Interrupt}, r.src.size)
	if err != nil {
		return fail(err)
	}
	defer book.Close()
	if r.sheet, err = chooseSheet(book, r.options.Sheet); err != nil {
		return fail(err)
	}
	out, err := fillTemp(r.src.name, func(w *bufio.Writer) error { return r.sheet.write(w, book) })
	if err != nil {
		return fail(err)
	}
	if err := r.src.changed(); err != nil {
		out.close()
		return err
	}
	r.src.close()
	out.rows = true
	r.src, r.options.Delimiter = out, ','
	return nil
}

// An interruptible is a file whose reads fail after an interrupt.
type interruptible struct {
	io.ReaderAt
	interrupt func() error
}

func (r interruptible) ReadAt(b []byte, offset int64) (int, error) {
	if r.interrupt != nil {
		if err := r.interrupt(); err != nil {
			return 0, err
		}
	}
	return r.ReaderAt.ReadAt(b, offset)
}

// chooseSheet returns the sheet called name, in whatever case, or the first that is not
// hidden.
func chooseSheet(b *xlsx.Book, name string) (*sheet, error) {
	var found *sheet
	var names []string
	for _, s := range b.Sheets {
		switch {
		case found == nil && (name == "" && !s.Hidden || strings.EqualFold(s.Name, name)):
			found = &sheet{name: s.Name}
		default:
			names = append(names, quote(s.Name))
		}
	}
	switch {
	case found == nil && name == "":
		return nil, &OptionHint{Err: errors.New("every sheet of the workbook is hidden: " + some(names)), Option: "sheet"}
	case found == nil:
		return nil, &OptionHint{Err: fmt.Errorf("there is no sheet %s in the workbook: there is %s", quote(name), some(names)), Option: "sheet"}
	case name == "":
		found.others = names
	}
	return found, nil
}

// empty is the error of a sheet with nothing in it.
func (s *sheet) empty() error {
	if s.others == nil {
		return fmt.Errorf("sheet %s is empty: the first row has to name the columns, one of them UserPrincipalName", quote(s.name))
	}
	hint := &OptionHint{Err: fmt.Errorf("sheet %s is empty; there is also %s", quote(s.name), some(s.others)), Option: "sheet"}
	if len(s.others) == 1 {
		hint.Value, _ = strconv.Unquote(s.others[0])
	}
	return hint
}

// some returns the first of a list, in words.
func some(words []string) string {
	const most = 8
	if n := len(words); n > most {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), n-most)
	}
	return strings.Join(words, ", ")
}

// write writes the rows of s as CSV.
func (s *sheet) write(w *bufio.Writer, book *xlsx.Book) error {
	i := 0
	for book.Sheets[i].Name != s.name {
		i++
	}
	rows, err := book.Rows(book.Sheets[i])
	if err != nil {
		return err
	}
	defer rows.Close()
	size, line, width := 0, 1, 0
	for {
		err := rows.Next()
		if err == io.EOF {
			s.merged = rows.Merged
			return nil
		}
		if err != nil {
			return fmt.Errorf("sheet %s: %w", quote(s.name), err)
		}
		for ; line < rows.Number; line++ {
			w.WriteByte('\n')
		}
		line++
		if rows.Hidden && len(rows.Cells) > 0 {
			s.hidden.note(rows.Number)
		}
		for i, cell := range rows.Cells {
			if i > 0 {
				w.WriteByte(',')
			}
			if strings.ContainsAny(cell, "\",\r\n") {
				cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
			}
			w.WriteString(cell)
			size += len(cell) + 1
		}
		// The file has no blank cells at the end of a row.
		if width == 0 {
			width = len(rows.Cells)
		} else if n := len(rows.Cells); n > 0 && n < width {
			w.WriteString(strings.Repeat(",", width-n))
			size += width - n
		}
		if err := w.WriteByte('\n'); err != nil {
			return err
		}
		if size > maxSheetText {
			return fmt.Errorf("sheet %s has more than %d MB of text: this is not a workbook of users", quote(s.name), maxSheetText>>20)
		}
	}
}

// describe adds to d what there is to say of s.
func (s *sheet) describe(d *Description) {
	d.Encoding, d.Delimiter, d.Sheet = workbookEncoding, "", s.name
	var warnings []string
	if s.others != nil {
		warnings = append(warnings, fmt.Sprintf("sheet %s is read, and none of the others: %s", quote(s.name), some(s.others)))
	}
	switch {
	case s.hidden.rows == 1:
		warnings = append(warnings, fmt.Sprintf("line %d: 1 row is hidden in the sheet, and read like the others", s.hidden.line))
	case s.hidden.rows > 1:
		warnings = append(warnings, fmt.Sprintf("line %d and others: %d rows are hidden in the sheet, by a filter perhaps, and read like the others", s.hidden.line, s.hidden.rows))
	}
	if s.merged > 0 {
		warnings = append(warnings, fmt.Sprintf("%s in the sheet: only the first of the cells has what is seen there", count(s.merged, "merged area")))
	}
	d.Warnings = append(warnings, d.Warnings...)
}
