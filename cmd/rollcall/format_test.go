package main

import "testing"

// Color is for terminals that can show it, unless the user says otherwise.
func TestPaints(t *testing.T) {
	for _, test := range []struct {
		when, noColor, term string
		terminal, want      bool
	}{
		{"auto", "", "xterm", true, true},
		{"auto", "", "xterm", false, false},
		{"auto", "1", "xterm", true, false},
		{"auto", "", "dumb", true, false},
		{"always", "1", "dumb", false, true},
		{"never", "", "xterm", true, false},
	} {
		t.Setenv("NO_COLOR", test.noColor)
		t.Setenv("TERM", test.term)
		if got := paints(test.when, test.terminal); got != test.want {
			t.Errorf("%+v: %t", test, got)
		}
	}
}
