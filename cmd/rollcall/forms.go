package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// forms are the values of --format, the same for every command.
var forms = []string{"text", "csv", "json", "jsonl", "markdown"}

// formFlags choose the form of standard output.
type formFlags struct {
	format string // one of forms, or "" for the command's default
	json   bool
}

func (f *formFlags) add(fs *pflag.FlagSet, what, otherwise string) {
	fs.StringVar(&f.format, "format", "", "print "+what+" in this `FORM`: "+formNames()+" (default "+otherwise+")")
	fs.BoolVar(&f.json, "json", false, "short for --format json")
}

// check returns an error for a form that does not exist, and for two different ones.
func (f *formFlags) check() error {
	switch {
	case f.format != "" && !slices.Contains(forms, f.format):
		return usage(fmt.Errorf("--format %q: want %s", f.format, formNames()))
	case f.json && f.format != "" && f.format != "json":
		return usage(fmt.Errorf("--json means --format json, which contradicts --format %s: want one of them", f.format))
	case f.json:
		f.format = "json"
	}
	return nil
}

// formNames lists the forms: "text, csv … or markdown".
func formNames() string { return either(forms) }

// either returns a list as "text, csv or json".
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
