// Package html makes the HTML report of a run: one file for the person who asked for
// it and for those who have to answer for it.
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

// A Page is an HTML report: one file that needs nothing else, for the person who
// asked for the run and for those who have to answer for it. What is not known of
// the run is left empty, and is not told.
//
// Nothing that comes from a roster or a tenant can become markup or script:
// html/template escapes it, the policy in the file lets run only the one script
// and the one style sheet that are here, by their digests, and nothing be loaded.
type Page struct {
	Kind       string // audit, apply or undo
	Change     string // what was asked for
	Noun       string // the setting that it is about
	Tenant     string
	Sandbox    bool            // the tenant is not a real one
	Roster     string          // the name of the file
	Counts     pipeline.Counts // where the rows of the roster stand; Total is 0 if it is not known
	PassedOver string          // rows of a results file that are none of the roster, in words, or ""
	Results    string          // the name of the file that has all rows, and nothing left out
	Source     string          // the name of the file that the report was made from afterwards

	Began, Ended time.Time // this run
	Earlier      int       // rows that earlier runs had recorded, with which this one went on
	Stopped      string    // why it did not come to its end
	Doubts       []string  // why the rows may not tell of every user who was changed
	By           string    // who ran it, where and, if it is long over, when, in words
	Caller       string    // the account or the application that the tenant knows them by
	Note         string    // why, in their words
	CommandLine  string    // without secrets
	Program      string    // version of the program that made the run
	Version      string    // of the one that makes the report

	RosterSHA256, ResultsSHA256 string // of the files, in hexadecimal

	Commands []Command // that a reader may want to run
	All      bool      // print all rows, not only those that need a person

	// What is not known, or not yet, of the rows without a result.
	Running     bool // the run is not over: the rows are those of this moment
	Unaccounted bool // which of them were in progress is not known
	OnlyRead    bool // nothing was set for those in progress

	Tally    *Tally
	Timeline *Timeline // of a run that was just made
}

// A Command is one that a reader may want to run: what it does, and what to type.
type Command struct{ Does, Line string }

// By says who ran something, and on which machine.
func By(user, host string) string {
	return "by " + cmp.Or(user, "somebody") + " on " + cmp.Or(host, "some machine")
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

// words are what is between the blanks of a command line. Between them it may be broken
// into lines: in them, behind a hyphen, it would read as another.
func words(line string) []string { return strings.Split(line, " ") }

// digest returns what a Content-Security-Policy calls a script or a style sheet.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// policy is what a browser is to let the page do.
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
