// Package results writes and reads the record of a run: the results CSV, its journal and
// its summary.
//
//	run ─ results, in order ─▶ File ─▶ results.csv
//	 └─── of rows in progress ──▶ journal ─▶ results.csv.journal
//	                Outcome ─ at the start and the end ─▶ results.csv.json
//
// A run writes to a [File]. Until the run is complete, its journal has what the CSV can't
// have yet: the values before of rows in progress, and the results of rows done out of
// order. [Create] makes a new File, [Resume] goes on with one; neither changes anything
// before [File.Begin]. An [Outcome] has the facts about a run after its end, and
// [WriteSummary] writes them beside the CSV.
//
// A machine may be lost with its files. So a File may also have a [Log] elsewhere, which
// gets the result of every row and each value before its set. From that, [Restore] makes
// the journal on another machine, and Resume the CSV.
//
// [ReadPast] reads all that is known of an earlier run. A [Source] is a results file used
// as a roster, for undo and to apply a diff. A [Baseline] is an earlier audit to compare
// with. A [Reader] reads only the records.
package results

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/pipeline"
)

// Writer writes the results CSV: one record for each row, in the roster's
// order. The columns are
//
//	Row,UserPrincipalName,Status,P,P.Wanted,P.Before,M,M.Before,Attempts,Error,FinishedAt
//
// with three for each property P of the change (read back, wanted, read before the set)
// and two for each property M that moves with these, then the roster's other columns
// unchanged. Row is the line that the row starts on. FinishedAt is UTC, in RFC 3339.
//
// Records are buffered until Flush. A Writer is for one goroutine.
type Writer struct {
	w       io.Writer
	buf     []byte
	eol     string
	begun   bool            // the header may be written
	own     int             // how many first columns of the roster are those of a results file
	upn     int             // index of the roster's column of UPNs, which is not repeated
	outcome []byte          // the cells from Status to FinishedAt, as last written
	like    pipeline.Result // what outcome was made of
}

// bufferSize is how many bytes are buffered before they are written without a Flush.
const bufferSize = 64 << 10

// NewWriter returns a Writer that writes to w. The header is written with the first
// record: a run that records nothing writes nothing.
func NewWriter(w io.Writer, f Format) *Writer {
	r := &Writer{w: w, eol: "\n", upn: f.UPN, own: f.Own}
	if f.Excel {
		r.eol = "\r\n"
		r.buf = append(r.buf, "\ufeff"...)
	}
	for i, name := range Columns(f) {
		if i > 0 {
			r.buf = append(r.buf, ',')
		}
		r.buf = appendCell(r.buf, name)
	}
	r.buf = append(r.buf, r.eol...)
	return r
}

// Record adds the record of one row.
func (r *Writer) Record(res *pipeline.Result) error {
	r.begun = true
	b := strconv.AppendInt(r.buf, int64(res.Row.Line), 10)
	b = append(b, ',')
	b = appendCell(b, res.Row.UPN)
	if !r.isLike(res) {
		r.setLike(res)
	}
	b = append(b, r.outcome...)
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

// isLike reports whether outcome is what the record of res has, too. Of most rows it is,
// and to compare costs less than to write.
func (r *Writer) isLike(res *pipeline.Result) bool {
	l := &r.like
	return r.outcome != nil && res.Status == l.Status && res.Attempts == l.Attempts && res.Finished.Unix() == l.Finished.Unix() &&
		res.Err == nil && l.Err == nil && res.Note == l.Note &&
		slices.Equal(res.Values, l.Values) && slices.Equal(res.Moved, l.Moved)
}

// setLike sets outcome, and like, to those of res.
func (r *Writer) setLike(res *pipeline.Result) {
	l := &r.like
	*l = pipeline.Result{Status: res.Status, Attempts: res.Attempts, Finished: res.Finished, Err: res.Err, Note: res.Note,
		Values: append(l.Values[:0], res.Values...), Moved: append(l.Moved[:0], res.Moved...)}
	b := append(r.outcome[:0], ',')
	b = append(b, res.Status.String()...)
	for i := range res.Values {
		v := &res.Values[i]
		b = appendOwn(b, v.After, v.Wanted, v.Before)
	}
	for i := range res.Moved {
		v := &res.Moved[i]
		b = appendOwn(b, v.After, v.Before)
	}
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(res.Attempts), 10)
	b = appendOwn(b, Remark(res))
	b = append(b, ',')
	r.outcome = res.Finished.UTC().AppendFormat(b, time.RFC3339)
}

// Header writes the header before there is a record.
func (r *Writer) Header() error {
	r.begun = true
	return r.Flush()
}

// Flush writes what is buffered.
func (r *Writer) Flush() error {
	if !r.begun || len(r.buf) == 0 {
		return nil
	}
	_, err := r.w.Write(r.buf)
	r.buf = r.buf[:0]
	return err
}

// Remark returns the text of the column Error, on one line: why the row failed, and its
// note.
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
