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

// changeFlags say what to change.
type changeFlags struct {
	noun, privacyMode, excludedAs string
	sets                          []string
	matchCase                     bool
	listSeparator                 string
}

func (f *changeFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.privacyMode, "privacy-mode", "", "short for --set PrivacyMode=`MODE`: opt-in or opt-out")
	fs.StringArrayVar(&f.sets, "set", nil, "`NAME=VALUE` for every row, or NAME=@COLUMN for each row's own; NAME+= and NAME-= for a list; can be repeated (rollcall help values)")
	fs.BoolVar(&f.matchCase, "match-case", false, "where users are read first, a difference in capitals alone is one")
	fs.StringVar(&f.listSeparator, "list-separator", "", "what stands between the members of [a;b], if it is not a `SEPARATOR` ;")
	f.addNoun(fs)
	fs.StringVar(&f.excludedAs, "excluded-as", "", "the `MODE` to want where the retired Excluded is asked for")
}

func (f *changeFlags) addNoun(fs *pflag.FlagSet) {
	fs.StringVar(&f.noun, "noun", "MyAnalyticsFeatureConfig", "the setting: the `NOUN` of a Get-/Set- pair of cmdlets")
}

// wanted returns what the flags ask for.
func (f *changeFlags) wanted() job.Wanted {
	w := job.Wanted{Noun: f.noun, Sets: f.sets, ExcludedAs: f.excludedAs, MatchCase: f.matchCase, ListSeparator: f.listSeparator}
	if f.privacyMode != "" {
		w.Sets = append([]string{"PrivacyMode=" + f.privacyMode}, f.sets...)
	}
	return w
}

// change returns the change that the flags ask for. Every error is one of the
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

// checkMode refuses a PrivacyMode for a noun that has none.
func (f *changeFlags) checkMode() error {
	if f.privacyMode == "" {
		return nil
	}
	setting, err := tenant.LookupSetting(f.noun)
	if err != nil || slices.Contains(setting.PropertyNames(), "PrivacyMode") {
		return nil // what is wrong with the noun is said where it is looked up
	}
	return &exit{status: exitUsage, err: fmt.Errorf("--privacy-mode: %s is not known to have a PrivacyMode", setting.Noun), hint: "--set NAME=VALUE sets any property"}
}

// required is change, for commands that make no sense without one.
func (f *changeFlags) required() (*pipeline.Change, error) {
	c, err := f.change()
	if err == nil && c.Empty() {
		err = wantedError(job.ErrNoChange)
	}
	return c, err
}

// rosterFlags overrule what is found out about the roster.
type rosterFlags struct {
	encoding, delimiter, upnColumn string
	sheet                          string
	only                           []string
}

func (f *rosterFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.encoding, "encoding", "", "utf-8, utf-16le, utf-16be or windows-1252, if the `NAME` is not to be found out")
	fs.StringVar(&f.delimiter, "delimiter", "", "the `CHARACTER` between cells, if it is not to be found out; tab for a TAB")
	fs.StringVar(&f.upnColumn, "upn-column", "", "the `HEADER` of the column of UPNs, if it is not to be found out")
	fs.StringVar(&f.sheet, "sheet", "", "the sheet of an Excel workbook (.xlsx) to read, by `NAME`, if not the first that is not hidden")
	fs.StringSliceVar(&f.only, "only", nil, "of a results file, take only the rows with one of these `STATUSES`")
}

// options returns what the flags say of the file.
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

// paceFlags say how fast to go, and how often to try.
type paceFlags struct {
	workers, retries int
	rate             float64
	rowTimeout       time.Duration
	verifyTimeout    time.Duration
}

func (f *paceFlags) add(fs *pflag.FlagSet) {
	fs.IntVar(&f.workers, "workers", 4, "make `N` calls at once, at most")
	fs.Float64Var(&f.rate, "rate", 0, "make `N` calls a second, at most, all workers together; 0 for as many as the tenant is found to allow, which is the default")
	fs.IntVar(&f.retries, "retries", 5, "try a call again `N` times, at most, after a failure that may pass")
	fs.DurationVar(&f.rowTimeout, "row-timeout", 30*time.Minute, "try nothing again for a row after this `DURATION`, and stop the run if an outage takes so long; 0 for never")
}
