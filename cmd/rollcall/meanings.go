package main

import (
	"fmt"
	"strings"
)

// A meaning is what an exit status means.
type meaning struct {
	status int
	text   string
}

// Exit statuses that mean the same for several commands.
var (
	meansWrong       = meaning{exitUsage, "the command line is wrong"}
	meansHeld        = meaning{exitHeld, "another run holds the results file or the tenant"}
	meansGuard       = meaning{exitGuard, "a guard stopped it; --resume goes on"}
	meansInterrupted = meaning{exitInterrupted, "interrupted; --resume goes on"}
	meansTerminated  = meaning{exitTerminated, "terminated; --resume goes on"}
)

// everyMeaning lists all exit statuses, for the help of the program itself.
var everyMeaning = []meaning{
	{exitOK, "every row is as wanted (audit: nothing differs)"},
	{exitError, "the run could not be carried out"},
	meansWrong,
	{exitRows, "carried out, and some rows failed (audit: some could not be read)"},
	{exitDiffers, "audit: something differs"},
	meansGuard, meansHeld, meansInterrupted, meansTerminated,
}

// more returns the annotations of a command with these notes and exit statuses.
func more(notes string, all ...meaning) map[string]string {
	var b strings.Builder
	for _, m := range all {
		fmt.Fprintf(&b, "  %-5d%s\n", m.status, m.text)
	}
	return map[string]string{notesAnnotation: notes, statusAnnotation: b.String()}
}
