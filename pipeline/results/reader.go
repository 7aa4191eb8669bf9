package results

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jszwec/csvutil"

	"rollcall/pipeline"
	"rollcall/tenant/disk"
)

// ErrNotResults is the cause of the error of a file that rollcall did not write.
var ErrNotResults = errors.New("not a results file or a diff of rollcall")

// A Reader reads a results CSV back, one of rollcall's own or one that
// Excel has saved since: with a byte order mark, semicolons or TABs, as UTF-16.
type Reader struct {
	Properties []string
	Moved      []string
	Carried    []string // the header of the roster's columns

	csv  *csv.Reader
	dec  *csvutil.Decoder
	own  int
	torn bool
}

// NewReader reads the header of a results CSV.
func NewReader(r io.Reader) (*Reader, error) {
	in := bufio.NewReader(r)
	if begin, _ := in.Peek(4); string(begin) == "PK\x03\x04" {
		return nil, fmt.Errorf("%w: it is an Excel workbook: in Excel, save it as CSV UTF-8", ErrNotResults)
	}
	c := openCSV(in)
	c.ReuseRecord = true
	dec, err := csvutil.NewDecoder(c)
	if err == io.EOF {
		return nil, fmt.Errorf("%w: it is empty", ErrNotResults)
	}
	if _, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, fmt.Errorf("%w: %w", ErrNotResults, err)
	}
	if err != nil {
		return nil, disk.Cause(err)
	}
	header := dec.Header()
	properties, moved, own := ParseColumns(header)
	if own == 0 {
		return nil, fmt.Errorf("%w: its columns are %s, want %s first", ErrNotResults, columnList(header), columnList(leading))
	}
	return &Reader{Properties: properties, Moved: moved, Carried: header[own:], csv: c, dec: dec, own: own}, nil
}

// Format returns the format of the file.
func (r *Reader) Format() Format {
	return Format{Properties: r.Properties, Moved: r.Moved, Header: r.Carried, UPN: -1}
}

// Torn reports, after io.EOF, whether the last record of the file is cut short. Read left
// it out.
func (r *Reader) Torn() bool { return r.torn }

// A recorded is the columns of a record that every results file has.
type recorded struct {
	Record
	Attempts   int    `csv:"Attempts"`
	Error      string `csv:"Error"`
	FinishedAt string `csv:"FinishedAt"`
}

// Read fills res with the next record, and returns io.EOF if there is none. The cells of
// its row are those of the roster's columns.
func (r *Reader) Read(res *pipeline.Result) error {
	var rec recorded
	begin := r.csv.InputOffset()
	err := r.dec.Decode(&rec)
	if err == io.EOF {
		return err
	}
	if _, ok := errors.AsType[*csv.ParseError](err); ok {
		size := r.csv.InputOffset() - begin
		if _, rerr := r.csv.Read(); rerr == io.EOF && size <= maxTorn {
			r.torn = true
			return io.EOF
		}
		return err
	}
	if err != nil {
		line, _ := r.csv.FieldPos(0)
		return fmt.Errorf("line %d: %w", line, disk.Cause(err))
	}
	cells := r.dec.Record()
	*res = pipeline.Result{Status: rec.Status, Attempts: rec.Attempts, Values: res.Values[:0], Moved: res.Moved[:0]}
	res.Row.Line, res.Row.UPN, res.Row.Cells = rec.Line, rec.UPN, cells[r.own:]
	for i := range r.Properties {
		at := len(leading) + 3*i
		res.Values = append(res.Values, pipeline.Value{After: r.cell(at), Wanted: r.cell(at + 1), Before: r.cell(at + 2)})
	}
	for i := range r.Moved {
		at := len(leading) + 3*len(r.Properties) + 2*i
		res.Moved = append(res.Moved, pipeline.Value{After: r.cell(at), Before: r.cell(at + 1)})
	}
	if rec.Error != "" {
		res.Note = UnescapeCell(rec.Error)
	}
	// A spreadsheet may have changed the form of times: then Finished is zero.
	res.Finished, _ = time.Parse(time.RFC3339, rec.FinishedAt)
	return nil
}

// cell returns the text that a cell of the last record stands for.
func (r *Reader) cell(i int) string {
	return ownText(r.dec.Record()[i], r.csv.Comma)
}

// columnList returns names of columns for a message, in which no name is too long.
func columnList(names []string) string {
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, fmt.Sprintf("%.60q", name))
	}
	return strings.Join(quoted, ", ")
}
