package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rollcall/pipeline/fleet/queue"
)

// Of a fleet that may have been submitted nobody is told that it was not, and everybody
// how to find out.
func TestMaybeSubmitted(t *testing.T) {
	cause := fmt.Errorf("submit fleet f-1: %w: %w", queue.ErrMaybeSubmitted, errors.New("no answer"))
	for _, test := range []struct {
		interrupt, status int
		text              string
	}{
		{0, exitError, "submit fleet f-1: it may have been submitted: no answer"},
		{exitTerminated, exitTerminated, "interrupted: fleet f-1 may have been submitted"},
	} {
		err := maybeSubmitted(test.interrupt, "f-1", cause)
		e, ok := errors.AsType[*exit](err)
		if !ok || statusOf(err) != test.status || !strings.HasPrefix(err.Error(), test.text) || strings.Contains(err.Error(), "nothing was submitted") || e.hint != "rollcall fleet status f-1 shows whether it was" {
			t.Errorf("after %d it is %v, status %d", test.interrupt, err, statusOf(err))
		}
	}
}
