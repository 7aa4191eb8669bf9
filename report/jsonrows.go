package report

import (
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// JSONRows writes each result as an object whose names are the columns of the results
// CSV: all in one array, or one object on each line. Row and Attempts are numbers. Other
// values are texts as in the CSV, without the apostrophes that protect spreadsheets.
// Characters that are unsafe on a terminal are escaped.
//
// It is for one goroutine.
type JSONRows struct {
	w        io.Writer
	buf      []byte
	names    [][]byte // of the columns, encoded
	upn, own int
	lines    bool // one object on each line, no array
	begun    bool
}

// NewJSONRows returns a JSONRows that writes an array of results with the columns of f.
func NewJSONRows(w io.Writer, f results.Format) *JSONRows {
	j := &JSONRows{w: w, upn: f.UPN, own: f.Own}
	taken := make(map[string]bool)
	names := results.Columns(f)
	for _, name := range names {
		taken[name] = true
	}
	for i, name := range names {
		for n := i + 1; name == "" || name != names[i] && taken[name]; n++ { // a column of the roster without a name
			name = fmt.Sprintf("Column%d", n)
		}
		taken[name] = true
		j.names = append(j.names, append(appendJSON(nil, name), ':'))
	}
	return j
}

// NewJSONLines is like NewJSONRows, for one object on each line. A reader sees complete
// lines at any time, except for the last one.
func NewJSONLines(w io.Writer, f results.Format) *JSONRows {
	j := NewJSONRows(w, f)
	j.lines = true
	return j
}

// Record adds the object of one row.
func (j *JSONRows) Record(res *pipeline.Result) error {
	column := 0
	name := func() {
		if column > 0 {
			j.buf = append(j.buf, ',')
		}
		j.buf = append(j.buf, j.names[column]...)
		column++
	}
	text := func(s string) { name(); j.buf = appendJSON(j.buf, s) }
	number := func(n int) { name(); j.buf = strconv.AppendInt(j.buf, int64(n), 10) }

	j.separate()
	j.buf = append(j.buf, '{')
	number(res.Row.Line)
	text(res.Row.UPN)
	text(res.Status.String())
	for i := range res.Values {
		v := &res.Values[i]
		text(v.After)
		text(v.Wanted)
		text(v.Before)
	}
	for i := range res.Moved {
		text(res.Moved[i].After)
		text(res.Moved[i].Before)
	}
	number(res.Attempts)
	text(results.Remark(res))
	text(res.Finished.UTC().Format(time.RFC3339))
	for i, cell := range res.Row.Cells {
		if i != j.upn && i >= j.own {
			text(cell)
		}
	}
	j.buf = append(j.buf, '}')
	if j.lines {
		j.buf = append(j.buf, '\n')
	}
	if len(j.buf) >= 64<<10 {
		return j.Flush()
	}
	return nil
}

func (j *JSONRows) separate() {
	switch {
	case j.lines:
	case j.begun:
		j.buf = append(j.buf, ",\n"...)
	default:
		j.buf = append(j.buf, "[\n"...)
	}
	j.begun = true
}

// Flush writes what is buffered.
func (j *JSONRows) Flush() error {
	if len(j.buf) == 0 {
		return nil
	}
	_, err := j.w.Write(j.buf)
	j.buf = j.buf[:0]
	return err
}

// End ends the array, if it is one.
func (j *JSONRows) End(*pipeline.Counts) error {
	switch {
	case j.lines:
	case j.begun:
		j.buf = append(j.buf, "\n]\n"...)
	default:
		j.buf = append(j.buf, "[]\n"...)
	}
	return j.Flush()
}

// appendJSON appends text as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendJSON(b []byte, text string) []byte {
	b = append(b, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case unshowable(r):
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
