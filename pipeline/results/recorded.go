package results

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"

	"github.com/jszwec/csvutil"

	"rollcall/pipeline"
)

// A Record is the first columns of a record, which every results file has.
type Record struct {
	Line   int             `csv:"Row"`
	UPN    string          `csv:"UserPrincipalName"`
	Status pipeline.Status `csv:"Status"`
}

// readRecords calls each for every whole record of the results file f, with its cells and
// the offset of its end. The file must have the given columns; if they are nil, it must be
// a results file. It returns the header, and the number of bytes of the header and the
// whole records. A torn last record is left out; any other invalid record is an error. The
// cells are valid until each returns.
func readRecords(f *os.File, columns []string, each func(rec Record, cells []string, end int64) error) (header []string, whole int64, err error) {
	in := bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), bufferSize)
	var bom int64
	if b, _ := in.Peek(len(utf8BOM)); string(b) == utf8BOM {
		bom = int64(len(b))
		in.Discard(len(b))
	}
	r := csv.NewReader(in)
	r.ReuseRecord = true
	dec, err := csvutil.NewDecoder(r)
	if err != nil {
		return nil, 0, err
	}
	if _, _, own := ParseColumns(dec.Header()); own == 0 {
		return nil, 0, fmt.Errorf("%w: its columns are %s", ErrNotResults, columnList(dec.Header()))
	}
	if columns != nil && !slices.Equal(dec.Header(), columns) {
		return nil, 0, fmt.Errorf("its columns are %s, and would be %s", columnList(dec.Header()), columnList(columns))
	}
	header = slices.Clone(dec.Header())
	whole = bom + r.InputOffset()
	for n := 2; ; n++ {
		var rec Record
		err := dec.Decode(&rec)
		if err == io.EOF {
			return header, whole, nil
		}
		if err != nil {
			return header, whole, torn(f, whole, fmt.Errorf("record %d: %w", n, err))
		}
		end := bom + r.InputOffset()
		if !endsLine(f, end) {
			return header, whole, torn(f, whole, fmt.Errorf("record %d has no line end", n))
		}
		if err := each(rec, dec.Record(), end); err != nil {
			return header, whole, err
		}
		whole = end
	}
}

// tornHeader reports whether f is only a part of the header.
func tornHeader(f *os.File, format Format) bool {
	header := NewWriter(nil, format).buf
	b, err := io.ReadAll(io.NewSectionReader(f, 0, maxTorn))
	b = bytes.TrimRight(b, "\x00") // see torn
	return err == nil && len(b) < len(header) && bytes.HasPrefix(header, b)
}

// endsLine reports whether the byte before offset is a line feed. Only its line feed tells
// a whole record from one that is cut short in its last cell.
func endsLine(f *os.File, offset int64) bool {
	b := make([]byte, 1)
	_, err := f.ReadAt(b, offset-1)
	return err == nil && b[0] == '\n'
}

// maxTorn is the most bytes that a record which is cut short can have.
const maxTorn = 4 << 20

// torn returns nil if f has only one record from offset on, which is cut short. If it has
// more, it returns err: records after a damaged one must not be dropped.
func torn(f *os.File, offset int64, err error) error {
	tail, rerr := io.ReadAll(io.NewSectionReader(f, offset, maxTorn+1))
	switch {
	case rerr != nil:
		return rerr
	case len(tail) > maxTorn:
		return err
	}
	// After a power cut, blocks that were never written are zeros.
	tail = bytes.TrimRight(tail, "\x00")
	if i := bytes.IndexByte(tail, '\n'); i >= 0 && recordStart.Match(tail[i:]) {
		return err
	}
	return nil
}

// recordStart matches the beginning of a record. Its UPN may be quoted if the row is
// invalid.
var recordStart = regexp.MustCompile(`\n\d+,(?:[^",\n]*|"(?:[^"]|"")*"),[a-z-]+,`)

const utf8BOM = "\ufeff"
