package roster

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ErrOption is what an error is, for [errors.Is], if an option has a value
// that it can't have, whatever the file.
var ErrOption = errors.New("bad option")

// An Error says why a file can't be used as a roster, and where.
type Error struct {
	Name   string // the file
	Line   int    // line of the file, 1 being the first, or 0 if it is about no line
	Column int    // character of the line, 1 being the first, or 0 if it is about no one character
	Err    error  // what is wrong, and what to do about it
}

// Error returns "read name: line 7, column 12: cause".
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "read %s: ", e.Name)
	switch {
	case e.Line != 0 && e.Column != 0:
		fmt.Fprintf(&b, "line %d, column %d: ", e.Line, e.Column)
	case e.Line != 0:
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// An OptionHint is in the error of a file that one of [Options] makes readable or, if it
// is only, unreadable.
type OptionHint struct {
	Err    error
	Option string // upn-column, delimiter, encoding, sheet or only
	Value  string // that the option likely has to have, or ""
}

func (e *OptionHint) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *OptionHint) Unwrap() error { return e.Err }

// errorf returns an Error about a place in r's file.
func (r *Roster) errorf(line, column int, format string, args ...any) error {
	return &Error{r.src.name, line, column, fmt.Errorf(format, args...)}
}

// cause returns what lies behind an error of the operating system that names
// the file itself.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// An optionError is an [ErrOption] with a text that needs no introduction.
type optionError string

func (e optionError) Error() string        { return string(e) }
func (e optionError) Is(target error) bool { return target == ErrOption }

// check returns an error if o can't be meant, whatever the file.
func (o Options) check() error {
	if _, err := parseEncoding(o.Encoding); err != nil {
		return err
	}
	if o.Delimiter != 0 && !isDelimiter(o.Delimiter) {
		return optionError(fmt.Sprintf("delimiter %q: want one ASCII character that is no letter, digit, quote or line end", o.Delimiter))
	}
	return nil
}
