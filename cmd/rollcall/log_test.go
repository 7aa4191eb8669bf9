package main

import (
	"bytes"
	"log"
	"testing"
)

// Nothing reaches the standard logger: net/http writes there what a server sent beyond a
// reply, which may hold the token.
func TestStandardLoggerIsSilent(t *testing.T) {
	var shown bytes.Buffer
	log.SetOutput(&shown)
	rollcall(t, exitOK, "version")
	if log.Print("Unsolicited response: Bearer token"); shown.Len() > 0 {
		t.Errorf("shown: %s", &shown)
	}
}
