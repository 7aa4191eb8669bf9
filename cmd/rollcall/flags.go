package main

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/job"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// changeFlags choose what to change.
type changeFlags struct {
	noun, privacyMode, excludedAs string
	sets                          []string
	matchCase                     bool
	listSeparator                 string
}

func (f *changeFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.privacyMode, "privacy-mode", "", "short for --set PrivacyMode=`MODE`: opt-in or opt-out")
	fs.StringArrayVar(&f.sets, "set", nil, "`NAME=VALUE` for every row, or NAME=@COLUMN for each row's own; NAME+= and NAME-= for a list; can be repeated (rollcall help values)")
	fs.BoolVar(&f.matchCase, "match-case", false, "where users are read first, count a difference in capitals only as a difference")
	fs.StringVar(&f.listSeparator, "list-separator", "", "the `SEPARATOR` between the members of a list such as [a;b], if it is not ;")
	f.addNoun(fs)
	fs.StringVar(&f.excludedAs, "excluded-as", "", "the `MODE` to set for rows that want Excluded, which is retired")
}

func (f *changeFlags) addNoun(fs *pflag.FlagSet) {
	fs.StringVar(&f.noun, "noun", "MyAnalyticsFeatureConfig", "the setting: the `NOUN` of a Get-/Set- pair of cmdlets")
}

// wanted returns the change that the flags ask for, not yet checked.
func (f *changeFlags) wanted() job.Wanted {
	w := job.Wanted{Noun: f.noun, Sets: f.sets, ExcludedAs: f.excludedAs, MatchCase: f.matchCase, ListSeparator: f.listSeparator}
	if f.privacyMode != "" {
		w.Sets = append([]string{"PrivacyMode=" + f.privacyMode}, f.sets...)
	}
	return w
}

// change returns the change that the flags ask for. Every error is an error of the
// command line.
func (f *changeFlags) change() (*pipeline.Change, error) {
	if err := f.checkMode(); err != nil {
		return nil, err
	}
	c, err := f.wanted().Change()
	if err != nil {
		return nil, wantedError(err)
	}
	return c, nil
}

// checkMode returns an error if --privacy-mode is set for a noun without a PrivacyMode.
func (f *changeFlags) checkMode() error {
	if f.privacyMode == "" {
		return nil
	}
	setting, err := tenant.LookupSetting(f.noun)
	if err != nil || slices.Contains(setting.PropertyNames(), "PrivacyMode") {
		return nil // change reports what is wrong with the noun
	}
	return &exit{status: exitUsage, err: fmt.Errorf("--privacy-mode: %s is not known to have a PrivacyMode", setting.Noun), hint: "--set NAME=VALUE sets any property"}
}

// required is like change, and returns an error if there is nothing to change.
func (f *changeFlags) required() (*pipeline.Change, error) {
	c, err := f.change()
	if err == nil && c.Empty() {
		err = wantedError(job.ErrNoChange)
	}
	return c, err
}

// rosterFlags replace what is detected about the roster.
type rosterFlags struct {
	encoding, delimiter, upnColumn string
	sheet                          string
	only                           []string
}

func (f *rosterFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.encoding, "encoding", "", "`NAME` of the encoding: utf-8, utf-16le, utf-16be or windows-1252 (default: detected)")
	fs.StringVar(&f.delimiter, "delimiter", "", "the `CHARACTER` between cells; tab for a TAB (default: detected)")
	fs.StringVar(&f.upnColumn, "upn-column", "", "the `HEADER` of the column of UPNs (default: detected)")
	fs.StringVar(&f.sheet, "sheet", "", "`NAME` of the sheet to read in an Excel workbook (.xlsx) (default: the first that is not hidden)")
	fs.StringSliceVar(&f.only, "only", nil, "with a results file: take only the rows with one of these `STATUSES`")
}

// options returns the options for reading the roster.
func (f *rosterFlags) options() (o roster.Options, err error) {
	o = roster.Options{Encoding: f.encoding, UPNColumn: f.upnColumn, Sheet: f.sheet, Only: f.only}
	switch d, n := utf8.DecodeRuneInString(f.delimiter); {
	case f.delimiter == "":
	case f.delimiter == "tab" || f.delimiter == `\t`:
		o.Delimiter = '\t'
	case n == len(f.delimiter) && d != '"' && d != '\n' && d != '\r':
		o.Delimiter = d
	default:
		return o, usage(fmt.Errorf("--delimiter %q: want one character, or tab", f.delimiter))
	}
	return o, nil
}

// paceFlags limit how fast calls are made, and how often they are repeated.
type paceFlags struct {
	workers, retries int
	rate             float64
	rowTimeout       time.Duration
	verifyTimeout    time.Duration
}

func (f *paceFlags) add(fs *pflag.FlagSet) {
	fs.IntVar(&f.workers, "workers", 4, "make at most `N` calls at once")
	fs.Float64Var(&f.rate, "rate", 0, "make at most `N` calls a second, all workers together; 0, the default: as many as the tenant allows, which rollcall finds out")
	fs.IntVar(&f.retries, "retries", 5, "repeat a call at most `N` times after a transient failure; 0 for never")
	fs.DurationVar(&f.rowTimeout, "row-timeout", 30*time.Minute, "repeat no call for a row after this `DURATION`, and stop the run if an outage lasts that long; 0 for no limit")
}
