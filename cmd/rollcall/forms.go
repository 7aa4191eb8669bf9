package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// forms are what --format takes, of every command that has it.
var forms = []string{"text", "csv", "json", "jsonl", "markdown"}

// formFlags say in which form standard output has what was asked for.
type formFlags struct {
	format string // one of forms, or "" for the one that suits
	json   bool
}

func (f *formFlags) add(fs *pflag.FlagSet, what, otherwise string) {
	fs.StringVar(&f.format, "format", "", "print "+what+" in this `FORM`: "+formNames()+" (default "+otherwise+")")
	fs.BoolVar(&f.json, "json", false, "short for --format json")
}

// check refuses what is no form, and two of them.
func (f *formFlags) check() error {
	switch {
	case f.format != "" && !slices.Contains(forms, f.format):
		return usage(fmt.Errorf("--format %q: want %s", f.format, formNames()))
	case f.json && f.format != "" && f.format != "json":
		return usage(fmt.Errorf("--json is short for --format json, and --format %s is another: want one of them", f.format))
	case f.json:
		f.format = "json"
	}
	return nil
}

// formNames returns the forms as a sentence has them.
func formNames() string { return either(forms) }

// either returns a list as "text, csv or json".
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
