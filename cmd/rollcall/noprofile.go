package main

import (
	"errors"
	"fmt"
	"strings"

	"rollcall/pipeline/roster"
)

// A noProfilesError says that the file with profiles does not exist.
type noProfilesError struct{ file string }

func (e *noProfilesError) Error() string { return "there is no file " + e.file }

// A noProfileError says that a file does not have the profile.
type noProfileError struct {
	file, name string
	names      []string // the profiles that it has
}

func (e *noProfileError) Error() string { return fmt.Sprintf("%s: no profile %q", e.file, e.name) }

// profileError returns err, why the profile called name could not be read, as an error
// of the command line. Config is the value of --config, or "".
func profileError(name, config string, err error) error {
	e := &exit{status: exitUsage, err: fmt.Errorf("--profile %s: %w", name, err)}
	if none, ok := errors.AsType[*noProfilesError](err); ok {
		e.hint = "put profiles there, or in a file that --config names; rollcall config --help shows an example"
		if config != "" {
			e.err = fmt.Errorf("--config %s: the file with the profile %q does not exist", none.file, name)
			e.hint = "rollcall config --help shows an example of profiles"
		}
	}
	if other, ok := errors.AsType[*noProfileError](err); ok {
		e.hint = "profiles in this file: " + strings.Join(other.names, ", ")
		if len(other.names) == 0 {
			e.hint = "this file has no profiles; rollcall config --help shows an example"
		}
		if meant := roster.Nearest(name, other.names); meant != "" {
			e.hint = "did you mean " + meant + "? " + e.hint
		}
	}
	return e
}
