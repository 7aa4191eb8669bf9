package main

import "testing"

// Only a yes is a yes: an empty line and the end of the input are not.
func TestIsYes(t *testing.T) {
	for answer, want := range map[string]bool{
		"y\n": true, "Y\r\n": true, "yes\n": true, " Yes": true,
		"": false, "\n": false, "n\n": false, "no\n": false, "yep\n": false, "y n\n": false, "\x04": false,
	} {
		if got := isYes(answer); got != want {
			t.Errorf("isYes(%q) = %t", answer, got)
		}
	}
}
