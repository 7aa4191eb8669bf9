// Package roster reads the CSV file that says which users to change: any CSV
// that an administrator really has, or a sheet of an Excel workbook.
//
// [Open] finds out the encoding, the delimiter and the UPN column. [Roster.Survey]
// reads all rows once, before anything is done with them: it judges each, and
// finds those of one user. So a broken file is an error before the first
// row is handed out, and how many rows there are is known. [Roster.Rows] then
// reads the file again, row by row, each with its [Verdict].
//
//	file, stdin -> source -> records -> rows -> Survey -> shared users
//	                            |                             |
//	                            +---------> Reader <----------+
//
// A source is a file of UTF-8; what isn't one is made into one in a temporary
// file, and so is the sheet of a workbook, a record for each of its rows.
// Records are cut from it at the delimiter and the quotes, and those that
// count are rows. The survey judges each by itself and keeps a hash of its
// UPN. Only if two hashes are equal is the file read once more, and the UPNs
// behind them compared as text. That takes some 10 bytes of memory a row.
package roster

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
)

// Options overrule what [Open] finds out. The zero value overrules nothing.
type Options struct {
	Encoding  string // utf-8, utf-16le, utf-16be or windows-1252; "" to find out
	Delimiter rune   // what divides cells, an ASCII character; 0 to find out
	UPNColumn string // header of the column of UPNs; "" to find out

	// Only has the statuses of rows to read: of a results file, the rows
	// that have one of these, in whatever case, in the column Status. The
	// others are passed over as if they weren't there. None means all rows.
	Only []string

	// Skip, if not nil, leaves out more rows: those for which it returns true. It
	// has to answer the same each time; the Row is its own only until it returns.
	Skip func(*Row) bool

	// AllowNoUsers says that a file of which no row can be used is no error.
	AllowNoUsers bool

	// Ended says that the program that wrote the file ends each line: without the last
	// line end the file was cut, and is an error.
	Ended bool

	Sheet string // the sheet of a workbook, in whatever case; "" for the first that is not hidden

	// Interrupt, if not nil, is called over and over while a workbook is read, which can
	// take half a minute. If it returns an error, reading ends with it.
	Interrupt func() error
}

// A Roster is a CSV file of users. Once it has been surveyed it is safe for use by
// several goroutines at once, each with its own [Reader].
type Roster struct {
	options Options
	src     *source
	sheet   *sheet // nil for a CSV file
	dialect dialect
	header  []string
	upn     int   // index of the UPN column
	status  int   // index of the column that Options.Only is about, or -1
	example []int // indexes of the columns in which a template says Example:
	found   Description
	warning string // of the encoding, or ""
	want    func(*Row) (string, error)
	digest  string
	sum     string // of the file as it came, if it was converted
	marks   marks
	shared  *sharedHashes // users with several rows, or nil if there are none
	hash    func([]byte) uint64
}

// Open opens the file called name, or reads all of stdin if name is "-". It checks that all
// of it is text, and reads the header. The caller has to close the Roster, and to survey it
// before rows are read.
//
// Every error is an [*Error], except one that is [ErrOption].
//
// The file is held open, so to put another in its place changes nothing. To
// write into it is noticed.
func Open(name string, stdin io.Reader, o Options) (*Roster, error) {
	return open(func() (*source, error) { return newSource(name, stdin) }, o, seeded())
}

// Read is Open for all that in has, which is called name.
func Read(name string, in io.Reader, o Options) (*Roster, error) {
	return open(func() (*source, error) { return spool(name, in) }, o, seeded())
}

func seeded() func([]byte) uint64 {
	seed := maphash.MakeSeed()
	return func(b []byte) uint64 { return maphash.Bytes(seed, b) }
}

func open(source func() (*source, error), o Options, hash func([]byte) uint64) (*Roster, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	src, err := source()
	if err != nil {
		return nil, err
	}
	r := &Roster{options: o, src: src, hash: hash}
	if err = r.decode(); err == nil {
		err = r.readHeader()
	}
	if err == nil && o.Ended {
		err = r.checkEnd()
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// decode finds out what encoding the file is in, or that it is a workbook, and makes
// r's source UTF-8.
func (r *Roster) decode() error {
	book, err := isZip(r.src)
	switch {
	case err != nil:
		return err
	case book:
		return r.readWorkbook()
	case r.options.Sheet != "":
		return &Error{Name: r.src.name, Err: fmt.Errorf("there is no sheet %q: the file is not an Excel workbook (.xlsx)", r.options.Sheet)}
	}
	enc, err := findEncoding(r.src, r.options.Encoding)
	if err != nil {
		return err
	}
	err = r.decodeAs(enc)
	if e, ok := errors.AsType[*notUTF8Error](err); ok {
		// The beginning was UTF-8, so only the byte that isn't could tell.
		if r.warning, err = e.verdict(r.src, r.options.Encoding); err == nil {
			err = r.decodeAs(windows1252)
		}
	}
	return err
}

// decodeAs makes r's source, which is in enc, UTF-8.
func (r *Roster) decodeAs(enc encoding) error {
	r.found.Encoding = string(enc)
	if enc != utf8Encoding {
		sum, err := r.src.sha256()
		if err != nil {
			return err
		}
		r.sum = sum
		src, err := r.src.convert(enc)
		if err != nil {
			return err
		}
		r.src.close()
		r.src = src
	}
	if err := r.src.trimEnd(); err != nil {
		return err
	}
	return r.src.checkText()
}

// checkEnd returns an error if the last line has no line end.
func (r *Roster) checkEnd() error {
	var last [1]byte
	if err := r.src.readAt(last[:], r.src.size-1); err != nil {
		return err
	}
	if last[0] == '\n' || last[0] == '\r' || r.sheet != nil {
		return nil
	}
	line, _ := r.src.place(r.src.size - 1)
	return &Error{r.src.name, line, 0, errors.New("the last line has no line end, so the file may be cut: put it back as it was, or end the line if it is whole, or take it off")}
}

// Close closes the file, and removes the temporary one if there is one.
func (r *Roster) Close() error { return r.src.close() }

// Name returns the name of the file, which is "standard input" for "-".
func (r *Roster) Name() string { return r.src.name }

// Header returns the headers of all columns, as they came, in order. It is not
// to be changed.
func (r *Roster) Header() []string { return r.header }

// UPN returns the index of the UPN column in [Roster.Header].
func (r *Roster) UPN() int { return r.upn }

// Description returns what was found in the file.
func (r *Roster) Description() Description {
	d := r.found
	d.Warnings = slices.Clone(d.Warnings)
	d.Rejections = slices.Clone(d.Rejections)
	return d
}

// Digest returns what tells the rows from those of another roster: it is the same
// for two that have the same lines, UPNs to the letter, verdicts and wanted texts
// in the same order, whatever else is in their cells.
func (r *Roster) Digest() string { return r.digest }

// SHA256 returns the SHA-256 of the file as it came, in hexadecimal. It reads all
// of it.
func (r *Roster) SHA256() (string, error) {
	if r.sum != "" {
		return r.sum, nil
	}
	return r.src.sha256()
}

// Rows returns a Reader that starts with the first row.
func (r *Roster) Rows() *Reader { return &Reader{rows: r.rows()} }
