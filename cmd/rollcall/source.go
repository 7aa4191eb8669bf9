package main

import (
	"errors"
	"io"
	"os"
	"strings"

	"rollcall/pipeline/results"
)

// readSource looks at the first line of in, and returns nil if it is not one of
// ours.
func readSource(in *input) (*results.Source, error) {
	var r io.Reader
	if in.once != nil {
		first, _ := in.once.Peek(in.once.Size())
		r = strings.NewReader(string(first))
	} else {
		f, err := os.Open(in.name)
		if errors.Is(err, os.ErrNotExist) {
			if _, err := results.ReadPast(in.name); err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err // its journal is there
			}
		}
		if err != nil {
			return nil, nil // whoever opens the roster says why
		}
		defer f.Close()
		r = f
	}
	s := results.NewSource(r)
	if s == nil || in.once != nil {
		return s, nil
	}
	var err error
	s.Past, err = results.ReadPast(in.name)
	return s, err
}

func wrongNoun(err error) error {
	if err == nil {
		return nil
	}
	return &exit{status: exitUsage, err: err, hint: "--noun names the setting that the file is about"}
}
