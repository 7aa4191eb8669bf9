// Package html makes the HTML report of a run: one file for the person who asked for the
// run and for those who are responsible for it.
//
//	run ─ rows, as they are recorded ─▶ Tally ─┐
//	results.csv ─── Tally.Restore ────▶        ├▶ Page ─▶ report.html
//	run ─ counters, over time ──▶ Timeline ────┘
package html

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"strings"
	"time"

	"rollcall/pipeline"
)

// A Page is an HTML report: one file that needs no other file and no network. A field
// that is empty is not shown.
//
// Nothing from a roster or a tenant can become markup or script: html/template escapes
// it, and the policy in the file allows only its own script and style sheet, by their
// digests, and loads nothing.
type Page struct {
	Kind       string // audit, apply or undo
	Change     string // what was asked for
	Noun       string // the setting
	Tenant     string
	Sandbox    bool            // the tenant is not a real one
	Roster     string          // the name of the file
	Counts     pipeline.Counts // of the rows of the roster; Total is 0 if not known
	PassedOver string          // sentence on rows of a results file that the run did not take, or ""
	Results    string          // the name of the results file, which has all rows
	Source     string          // the name of the file that the report was made from after the run

	Began, Ended time.Time // this run
	Earlier      int       // rows recorded by earlier runs, which this run resumed
	Stopped      string    // why the run stopped before it was complete, or ""
	Undone       string    // when an undo of the run began, in words, or ""
	Doubts       []string  // why the rows may not show every user who was changed
	By           string    // who ran it, where and, for a past run, when, in words
	Caller       string    // the account or the application that signed in to the tenant
	Note         string    // the text of --note
	CommandLine  string    // without secrets
	Program      string    // version of the program that made the run
	Version      string    // version of the program that makes the report

	RosterSHA256, ResultsSHA256 string // of the files, in hexadecimal

	Commands []Command // that a reader may want to run
	All      bool      // print all rows, not only those that need a person

	// What is known of the rows without a result.
	Running     bool // the run has not ended: the rows are those recorded so far
	Unaccounted bool // it is not known which of them were in progress
	OnlyRead    bool // no user of those in progress was changed

	Tally    *Tally
	Timeline *Timeline // nil for a past run
}

// A Command is a command line that a reader may want to run, and what it does.
type Command struct{ Does, Line string }

// By returns who ran something, and on which machine, in words.
func By(user, host string) string {
	return "by " + cmp.Or(user, "an unknown user") + " on " + cmp.Or(host, "an unknown machine")
}

var (
	//go:embed page.html.tmpl
	pageText string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string

	pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"words": words}).Parse(pageText))
)

// words returns the words of a command line. The page breaks lines between words only: a
// break after a hyphen would change how the command reads.
func words(line string) []string { return strings.Split(line, " ") }

// digest returns the source expression of a script or a style sheet for a
// Content-Security-Policy.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// policy returns the Content-Security-Policy of the page.
func policy() string {
	return "default-src 'none'; style-src " + digest(pageStyle) + "; script-src " + digest(pageScript) +
		"; base-uri 'none'; form-action 'none'"
}

// Write writes the page.
func (p *Page) Write(w io.Writer) error {
	return pageTemplate.Execute(w, struct {
		*pageView
		Policy string
		Style  template.CSS
		Script template.JS
	}{p.view(), policy(), template.CSS(pageStyle), template.JS(pageScript)})
}
