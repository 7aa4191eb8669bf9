package main

import (
	"errors"
	"fmt"
	"strings"

	"rollcall/pipeline/roster"
)

// A noProfilesError is that the file with profiles is not there.
type noProfilesError struct{ file string }

func (e *noProfilesError) Error() string { return "there is no file " + e.file }

// A noProfileError is that a file has other profiles.
type noProfileError struct {
	file, name string
	names      []string // those that there are
}

func (e *noProfileError) Error() string { return fmt.Sprintf("%s: no profile %q", e.file, e.name) }

// profileError returns err, of the profile called name that is to be read from the
// file that --config names, if it names one, as one of the command line.
func profileError(name, config string, err error) error {
	e := &exit{status: exitUsage, err: fmt.Errorf("--profile %s: %w", name, err)}
	if none, ok := errors.AsType[*noProfilesError](err); ok {
		e.hint = "profiles are kept there, or in the file that --config names; rollcall config --help shows one"
		if config != "" {
			e.err = fmt.Errorf("--config %s: there is no such file to take the profile %q from", none.file, name)
			e.hint = "rollcall config --help shows what profiles look like"
		}
	}
	if other, ok := errors.AsType[*noProfileError](err); ok {
		e.hint = "profiles in this file: " + strings.Join(other.names, ", ")
		if meant := roster.Nearest(name, other.names); meant != "" {
			e.hint = "did you mean " + meant + "? " + e.hint
		}
	}
	return e
}
