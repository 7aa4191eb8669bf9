// Package report says what happened: to a CSV file, to a terminal, to people.
//
// [Diff] is the text of an audit, [Page] the HTML report, of what a [Tally]
// gathers. [Console] is the one way to standard error, for messages, log lines and
// the progress line alike, so that none garbles another.
package report

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/pipeline"
)

// Results writes the results CSV: one record for each row, in the roster's
// order. The columns are
//
//	Row,UserPrincipalName,Status,P,P.Wanted,P.Before,M,M.Before,Attempts,Error,FinishedAt
//
// with three for each property P of the change (read back, wanted, read ahead of
// the set) and two for each property M that changes with these, then the roster's other columns as they are. Row is the line that
// the row starts on. FinishedAt is UTC, in RFC 3339.
//
// Records are buffered until Flush. Results is for one goroutine.
type Results struct {
	w      io.Writer
	buf    []byte
	eol    string
	begun  bool   // there is a record
	own    int    // how many columns of the roster are a results file's
	upn    int    // the roster's column of UPNs, which is not repeated
	second int64  // of the time that is in stamp
	stamp  []byte // FinishedAt as it was last written
}

// bufferSize is how much is kept before it is written without waiting for
// Flush.
const bufferSize = 64 << 10

// A Format is how a results CSV is laid out.
type Format struct {
	Properties []string // of the change
	Moved      []string // that change with them
	Header     []string // of the roster
	UPN        int      // index in Header of the column of UPNs, or -1
	Own        int      // how many columns of Header are those of a results file, which are not carried on
	Excel      bool     // begin with a byte order mark and end lines as Windows does
}

// NewResults returns a Results that writes to w. The header is written ahead of
// the first record, so a run that records nothing writes nothing.
func NewResults(w io.Writer, f Format) *Results {
	r := &Results{w: w, eol: "\n", upn: f.UPN, own: f.Own}
	if f.Excel {
		r.eol = "\r\n"
		r.buf = append(r.buf, "\ufeff"...)
	}
	for i, name := range Columns(f) {
		r.comma(i)
		r.buf = appendCell(r.buf, name)
	}
	r.buf = append(r.buf, r.eol...)
	return r
}

// The columns of every results file, ahead of those of the properties and behind.
var (
	leading  = []string{"Row", "UserPrincipalName", "Status"}
	trailing = []string{"Attempts", "Error", "FinishedAt"}
)

// IsColumn reports whether every results file has a column called name.
func IsColumn(name string) bool {
	is := func(column string) bool { return strings.EqualFold(column, name) }
	return slices.ContainsFunc(leading, is) || slices.ContainsFunc(trailing, is)
}

// Columns returns the header of a results file. A column of the roster whose
// name is taken gets "Input." ahead of it.
func Columns(f Format) []string {
	names := slices.Clone(leading)
	for _, p := range f.Properties {
		names = append(names, p, p+".Wanted", p+".Before")
	}
	for _, m := range f.Moved {
		names = append(names, m, m+".Before")
	}
	names = append(names, trailing...)
	taken := make(map[string]bool)
	for _, name := range names {
		taken[strings.ToLower(name)] = true
	}
	for i, name := range f.Header {
		if i == f.UPN || i < f.Own {
			continue
		}
		for key := normal(name); key != "" && taken[key]; key = normal(name) {
			name = "Input." + name
		}
		taken[normal(name)] = true
		names = append(names, name)
	}
	return names
}

// Carried returns the names of the roster's columns in a results file.
func Carried(f Format) []string {
	return Columns(f)[len(leading)+3*len(f.Properties)+2*len(f.Moved)+len(trailing):]
}

// ParseColumns returns the properties that the results file with this header is
// about, those that moved with them, and how many of its columns are not the
// roster's: none if the file is not one that a Results wrote.
func ParseColumns(header []string) (properties, moved []string, own int) {
	n := len(leading)
	if len(header) < n || !slices.Equal(header[:n], leading) {
		return nil, nil, 0
	}
	for n+2 < len(header) && header[n+1] == header[n]+".Wanted" && header[n+2] == header[n]+".Before" {
		properties = append(properties, header[n])
		n += 3
	}
	for n+1 < len(header) && header[n+1] == header[n]+".Before" {
		moved = append(moved, header[n])
		n += 2
	}
	if len(header) < n+len(trailing) || !slices.Equal(header[n:n+len(trailing)], trailing) {
		return nil, nil, 0
	}
	return properties, moved, n + len(trailing)
}

// normal returns a column's name as it is compared.
func normal(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// Record adds the record of one row.
func (r *Results) Record(res *pipeline.Result) error {
	r.begun = true
	b := strconv.AppendInt(r.buf, int64(res.Row.Line), 10)
	b = append(b, ',')
	b = appendCell(b, res.Row.UPN)
	b = append(b, ',')
	b = append(b, res.Status.String()...)
	for i := range res.Values {
		v := &res.Values[i]
		b = append(b, ',')
		b = appendOwn(b, v.After)
		b = append(b, ',')
		b = appendOwn(b, v.Wanted)
		b = append(b, ',')
		b = appendOwn(b, v.Before)
	}
	for i := range res.Moved {
		v := &res.Moved[i]
		b = append(b, ',')
		b = appendOwn(b, v.After)
		b = append(b, ',')
		b = appendOwn(b, v.Before)
	}
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(res.Attempts), 10)
	b = append(b, ',')
	b = appendOwn(b, Remark(res))
	b = append(b, ',')
	b = r.appendTime(b, res.Finished)
	for i, cell := range res.Row.Cells {
		if i != r.upn && i >= r.own {
			b = append(b, ',')
			b = appendCell(b, cell)
		}
	}
	r.buf = append(b, r.eol...)
	if len(r.buf) >= bufferSize {
		return r.Flush()
	}
	return nil
}

// header writes the header ahead of any record.
func (r *Results) header() error {
	r.begun = true
	return r.Flush()
}

// Flush writes what is buffered.
func (r *Results) Flush() error {
	if !r.begun || len(r.buf) == 0 {
		return nil
	}
	_, err := r.w.Write(r.buf)
	r.buf = r.buf[:0]
	return err
}

func (r *Results) comma(i int) {
	if i > 0 {
		r.buf = append(r.buf, ',')
	}
}

// appendTime formats a second once: a fast run has many records in each.
func (r *Results) appendTime(b []byte, t time.Time) []byte {
	if s := t.Unix(); s != r.second || r.stamp == nil {
		r.second = s
		r.stamp = t.UTC().AppendFormat(r.stamp[:0], time.RFC3339)
	}
	return append(b, r.stamp...)
}

// Remark returns what there is to say of a row in words, on one line: why it
// failed, or what is worth knowing of it.
func Remark(res *pipeline.Result) string {
	text := res.Note
	if res.Err != nil {
		text = res.Err.Error()
		if res.Note != "" {
			text += "; " + res.Note
		}
	}
	if strings.ContainsAny(text, "\r\n") {
		text = strings.Join(strings.Fields(text), " ")
	}
	return text
}

// appendOwn appends a cell of ours, made safe where a spreadsheet would take it
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
	case '\'': // it would be taken for one of ours
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
		switch cell[i] {
		case ',', '"', '\n', '\r':
			return true
		}
	}
	first, last := cell[0], cell[len(cell)-1]
	return first == ' ' || first == '\t' || last == ' ' || last == '\t'
}
