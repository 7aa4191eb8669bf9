package roster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// A dialect is the delimiter of a CSV file, and where its header and rows are.
type dialect struct {
	delimiter byte
	header    int   // line of the header
	rows      int64 // offset of the first row
	line      int   // line of the first row
}

// delimiters are the delimiters that are tried, the most likely first.
const delimiters = ",;\t|"

// delimiterName returns the name of a delimiter.
func delimiterName(c byte) string {
	switch c {
	case ',':
		return "comma"
	case ';':
		return "semicolon"
	case '\t':
		return "TAB"
	case '|':
		return "vertical bar"
	}
	return fmt.Sprintf("%q", c)
}

// isDelimiter reports whether c can separate cells.
func isDelimiter(c rune) bool {
	return c == '\t' || c >= ' ' && c < 0x7F && c != '"' && !isLetterOrDigit(byte(c))
}

// readHeader finds the header of r's file, the delimiter, and the UPN column.
func (r *Roster) readHeader() error {
	rec := newRecords(r.src, ',', readAhead)
	delimiter, err := r.skipPreamble(rec)
	if err == io.EOF && r.sheet != nil {
		return &Error{Name: r.src.name, Err: r.sheet.empty()}
	}
	if err == io.EOF {
		return r.errorf(0, 0, "the file is empty: the first line has to name the columns, one of them UserPrincipalName")
	}
	if err != nil {
		return err
	}
	tries := delimiters
	switch {
	case r.options.Delimiter != 0:
		tries = string(r.options.Delimiter)
	case delimiter != 0:
		tries = string(rune(delimiter))
	}

	var best header
	var bestErr error
	for i := range len(tries) {
		h, err := r.headerUnder(tries[i], rec.at(), rec.line)
		if err != nil {
			if i == 0 {
				bestErr = err
			}
			continue
		}
		if best.names == nil || h.better(best) {
			best = h
		}
	}
	if best.names == nil {
		return bestErr
	}
	r.dialect, r.header = best.dialect, best.names
	return r.findColumns()
}

// headerUnder reads the record at offset as a header with the given delimiter.
func (r *Roster) headerUnder(delimiter byte, offset int64, line int) (header, error) {
	rec := newRecords(r.src, delimiter, readAhead)
	rec.seek(offset, line)
	if err := rec.next(); err != nil {
		return header{}, err
	}
	text := string(rec.data)
	h := header{dialect: dialect{delimiter: delimiter, header: line, rows: rec.at(), line: rec.line}}
	for _, c := range rec.cells {
		h.names = append(h.names, text[c.start:c.end])
	}
	_, err := upnColumn(h.names, r.options.UPNColumn)
	h.hasUPN = !errors.Is(err, errNoColumn)
	return h, nil
}

// skipPreamble goes to the header, and returns the delimiter that a sep= line before it
// names, or 0. It returns io.EOF if there is no header.
func (r *Roster) skipPreamble(rec *records) (delimiter byte, err error) {
	for {
		raw, size, err := rec.rawLine()
		if err != nil {
			return 0, err
		}
		line := strings.Trim(trim(string(raw[:min(len(raw), 200)])), `"`)
		switch {
		case len(bytes.Trim(raw, delimiters+" ")) == 0 || trim(line) == "":
		case len(line) >= 4 && strings.EqualFold(line[:4], "sep="):
			// The cell may be quoted, and Excel may have added delimiters when it
			// saved the line as a row.
			sep := []rune(string(raw[bytes.IndexByte(raw, '=')+1:]))
			if len(sep) > 0 && isDelimiter(sep[0]) {
				delimiter = byte(sep[0])
			}
		case len(line) >= 5 && strings.EqualFold(line[:5], "#TYPE"):
		case version.MatchString(line):
		default:
			return delimiter, nil
		}
		rec.skip(size)
	}
}

// version matches the first line of older Entra ID templates.
var version = regexp.MustCompile(`^(?i:version):v[0-9][0-9.]*"?[,;\t| ]*$`)
