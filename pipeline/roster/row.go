package roster

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// A Row is one data record of a roster.
type Row struct {
	Line    int      // line of the file on which the record starts, 1 being the first
	UPN     string   // the user as it is sent, trimmed; if it is not valid, the text of the cell
	Cells   []string // one for each header, unchanged but without quotes; "" where the record is short
	Surplus int      // how many cells the record has more than the header: its cells may be shifted
	Verdict Verdict
	Reason  string // why the row can't be used, or ""
}

// A Verdict says whether a row can be used.
type Verdict uint8

const (
	Usable    Verdict = iota // the first, or only, row of a valid user
	Invalid                  // the UPN is not valid, or the function given to Survey refused the row
	Duplicate                // an earlier row has the same user and asks for the same
	Conflict                 // another row has the same user and asks for something else
	Example                  // the example row of a template
)

// String returns the verdict in a word, such as "duplicate".
func (v Verdict) String() string {
	words := [...]string{"usable", "invalid", "duplicate", "conflict", "example"}
	if int(v) < len(words) {
		return words[v]
	}
	return fmt.Sprintf("Verdict(%d)", v)
}

// A Reader reads the rows of a [Roster] in order. Records in which every cell
// is blank are not rows. Several Readers of one Roster may be used at once, one
// Reader by one goroutine at a time.
type Reader struct {
	rows *rows
	err  error
}

// Read fills row with the next row, and returns io.EOF if there is none. It uses the array
// of row.Cells again; the strings may be kept. Any other error is an [*Error]. After an
// error, Read returns the same error again.
func (r *Reader) Read(row *Row) error {
	if r.err == nil {
		r.err = r.rows.next()
	}
	if r.err != nil {
		return r.err
	}
	r.rows.fill(row)
	row.Verdict, row.Reason = r.rows.verdict(row)
	return nil
}

// rows are the records of a roster that are rows. The one read last is in records.
type rows struct {
	*records
	roster     *Roster
	index      int            // of the row read last; 0 is the first
	upn        span           // its UPN, trimmed
	passedOver map[string]int // by status, records that Options.Only and Skip left out so far
	key        []byte         // scratch: the UPN in lower case
	row        Row            // scratch: what Options.Skip and Roster.want are called with
}

func (r *Roster) rows() *rows {
	rec := newRecords(r.src, r.dialect.delimiter, readAhead)
	rec.seek(r.dialect.rows, r.dialect.line)
	return &rows{records: rec, roster: r, index: -1}
}

// next goes to the next row, and returns io.EOF if there is none.
func (r *rows) next() error {
	for {
		if err := r.records.next(); err != nil {
			return err
		}
		r.findUPN()
		if r.upn.start == r.upn.end && r.blank() {
			continue
		}
		if r.roster.status >= 0 && !r.wanted() || r.skipped() {
			r.countPassedOver()
			continue
		}
		r.index++
		return nil
	}
}

// findUPN finds the UPN of the record read last.
func (r *rows) findUPN() {
	r.upn = span{}
	if i := r.roster.upn; i < len(r.cells) {
		r.upn = trimSpan(r.data, r.cells[i])
	}
}

// blank reports whether all cells are blank.
func (r *rows) blank() bool {
	for _, c := range r.cells {
		if c = trimSpan(r.data, c); c.start < c.end {
			return false
		}
	}
	return true
}

// wanted reports whether the status of the row is in Options.Only.
func (r *rows) wanted() bool {
	if r.roster.status >= len(r.cells) {
		return false
	}
	c := trimSpan(r.data, r.cells[r.roster.status])
	for _, only := range r.roster.options.Only {
		if bytes.EqualFold(r.data[c.start:c.end], []byte(only)) {
			return true
		}
	}
	return false
}

// skipped reports whether Options.Skip leaves out the row.
func (r *rows) skipped() bool {
	if r.roster.options.Skip == nil {
		return false
	}
	r.fill(&r.row)
	return r.roster.options.Skip(&r.row)
}

// countPassedOver counts the row as passed over.
func (r *rows) countPassedOver() {
	if r.passedOver == nil {
		r.passedOver = make(map[string]int)
	}
	status := ""
	if i := r.roster.status; i >= 0 && i < len(r.cells) {
		c := trimSpan(r.data, r.cells[i])
		status = strings.ToLower(string(r.data[c.start:c.end]))
	}
	if _, known := r.passedOver[status]; !known && len(r.passedOver) == mostStatuses {
		status = "other"
	}
	r.passedOver[status]++
}

// mostStatuses is how many statuses are counted separately. Others are counted together.
const mostStatuses = 30

// fill sets all fields of row from the row read last, except the verdict and the reason.
func (r *rows) fill(row *Row) {
	n := len(r.roster.header)
	cells := r.cells[:min(n, len(r.cells))]
	text := string(r.data[:cells[len(cells)-1].end])
	row.Cells = row.Cells[:0]
	for _, c := range cells {
		row.Cells = append(row.Cells, text[c.start:c.end])
	}
	for len(row.Cells) < n {
		row.Cells = append(row.Cells, "")
	}
	row.Surplus = max(0, len(r.cells)-n)
	row.Line = r.start
	row.UPN = text[r.upn.start:r.upn.end]
	row.Verdict, row.Reason = Usable, ""
}

// verdict returns the verdict that Survey found for row, the row read last, and the reason.
// If the row is not valid, it sets row.UPN to the text of the cell.
func (r *rows) verdict(row *Row) (Verdict, string) {
	switch r.roster.marks.get(r.index) {
	case plain:
		return Usable, ""
	case several:
		upn := r.lower()
		return r.roster.shared.verdict(r.roster.hash(upn), upn, row.Line)
	}
	v, reason, _ := r.judgeAlone()
	if upnFault(r.data[r.upn.start:r.upn.end]) != "" || v == Example {
		row.UPN = row.Cells[r.roster.upn]
	}
	return v, reason
}

// judgeAlone judges the row read last without regard to other rows: its verdict, why it
// can't be used, and what it asks for.
func (r *rows) judgeAlone() (v Verdict, reason, want string) {
	for _, i := range r.roster.example {
		if i < len(r.cells) && isExample(r.data, r.cells[i]) {
			return Example, "the example row of a template", ""
		}
	}
	upn := r.data[r.upn.start:r.upn.end]
	if reason := upnFault(upn); reason != "" {
		if sameName(string(upn), r.roster.header[r.roster.upn]) {
			reason = "the header again"
		}
		return Invalid, reason, ""
	}
	want, err := r.want()
	if err != nil {
		return Invalid, err.Error(), ""
	}
	return Usable, "", want
}

// want returns what the row read last asks for.
func (r *rows) want() (string, error) {
	if r.roster.want == nil {
		return "", nil
	}
	r.fill(&r.row)
	want, err := r.roster.want(&r.row)
	if err != nil && err.Error() == "" {
		err = errors.New("can't be used")
	}
	return want, err
}

// lower returns the UPN of the row read last in lower case, until the next call.
func (r *rows) lower() []byte {
	r.key = append(r.key[:0], r.data[r.upn.start:r.upn.end]...)
	for i, c := range r.key {
		if 'A' <= c && c <= 'Z' {
			r.key[i] = c | 0x20
		}
	}
	return r.key
}

// isExample reports whether a cell says that its row is an example.
func isExample(data []byte, c span) bool {
	c = trimSpan(data, c)
	const word = "example:"
	return c.end-c.start >= len(word) && data[c.start]|0x20 == 'e' &&
		bytes.EqualFold(data[c.start:c.start+len(word)], []byte(word))
}
