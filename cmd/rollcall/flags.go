package main

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
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

// change returns the change that the flags ask for. Every error is one of the
// command line.
func (f *changeFlags) change() (*pipeline.Change, error) {
	setting, err := tenant.LookupSetting(f.noun)
	if err != nil {
		return nil, usage(err)
	}
	c := &pipeline.Change{Setting: setting, Instead: f.excludedAs, MatchCase: f.matchCase, ListSeparator: f.listSeparator}
	if f.excludedAs != "" {
		if _, err := setting.Parse("PrivacyMode", f.excludedAs); err != nil {
			return nil, usage(fmt.Errorf("--excluded-as: %w", err))
		}
	}
	sets := f.sets
	if f.privacyMode != "" {
		sets = append([]string{"PrivacyMode=" + f.privacyMode}, sets...)
	}
	for _, s := range sets {
		if err := c.Assign(s); err != nil {
			e := &exit{status: exitUsage, err: err}
			if retired, ok := errors.AsType[*tenant.RetiredError](err); ok {
				e.hint = fmt.Sprintf("--excluded-as %s wants %[1]s wherever %s is asked for", retired.Instead, retired.Value)
			}
			return nil, e
		}
	}
	for _, name := range c.Properties() {
		if results.IsColumn(name) {
			return nil, usage(fmt.Errorf("set %s: the results have a column of that name", name))
		}
	}
	return c, nil
}

// asked reports whether the flags ask for a change.
func (f *changeFlags) asked() bool { return f.privacyMode != "" || len(f.sets) > 0 }

// required is change, for commands that make no sense without one.
func (f *changeFlags) required() (*pipeline.Change, error) {
	c, err := f.change()
	if err == nil && c.Empty() {
		err = &exit{status: exitUsage, err: errors.New("no change asked for"),
			hint: "--privacy-mode opt-in|opt-out, or --set NAME=VALUE (NAME=@COLUMN takes each row's value from a column)"}
	}
	return c, err
}

// rosterFlags overrule what is found out about the roster.
type rosterFlags struct {
	encoding, delimiter, upnColumn string
	only                           []string
}

func (f *rosterFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.encoding, "encoding", "", "utf-8, utf-16le, utf-16be or windows-1252, if the `NAME` is not to be found out")
	fs.StringVar(&f.delimiter, "delimiter", "", "the `CHARACTER` between cells, if it is not to be found out; tab for a TAB")
	fs.StringVar(&f.upnColumn, "upn-column", "", "the `HEADER` of the column of UPNs, if it is not to be found out")
	fs.StringSliceVar(&f.only, "only", nil, "of a results file, take only the rows with one of these `STATUSES`")
}

// options returns what the flags say of a roster whose rows want what c says.
func (f *rosterFlags) options(c *pipeline.Change) (o roster.Options, err error) {
	o = roster.Options{Encoding: f.encoding, UPNColumn: f.upnColumn, Only: f.only}
	for _, status := range f.only {
		if _, err := pipeline.ParseStatus(status); err != nil {
			return o, usage(fmt.Errorf("--only: %w", err))
		}
	}
	switch d, n := utf8.DecodeRuneInString(f.delimiter); {
	case f.delimiter == "":
	case f.delimiter == "tab" || f.delimiter == `\t`:
		o.Delimiter = '\t'
	case n == len(f.delimiter) && d != '"' && d != '\n' && d != '\r':
		o.Delimiter = d
	default:
		return o, usage(fmt.Errorf("--delimiter %q: want one character, or tab", f.delimiter))
	}
	if !c.Empty() {
		o.Header = func(r *roster.Roster) error { return c.Bind(r.Column) }
		if !c.Uniform() || c.Settled != nil {
			o.Want = c.Want
		}
	}
	return o, nil
}

// optionError is err, of a roster, as one of the command line if that is what it
// is about.
func optionError(err error) error {
	if errors.Is(err, roster.ErrOption) {
		return usage(err)
	}
	return err
}

// paceFlags say how fast to go, and how often to try.
type paceFlags struct {
	workers, retries int
	rate             float64
	rowTimeout       time.Duration
}

func (f *paceFlags) add(fs *pflag.FlagSet) {
	fs.IntVar(&f.workers, "workers", 4, "make `N` calls at once, at most")
	fs.Float64Var(&f.rate, "rate", 0, "make `N` calls a second, at most, all workers together; 0 for no limit of ours")
	fs.IntVar(&f.retries, "retries", 5, "try a call again `N` times, at most, after a failure that may pass")
	fs.DurationVar(&f.rowTimeout, "row-timeout", 30*time.Minute, "try nothing again for a row after this `DURATION`, and stop the run if an outage takes so long; 0 for never")
}

func (f *paceFlags) check() error {
	switch {
	case f.workers < 1 || f.workers > 1000:
		return usage(fmt.Errorf("--workers %d: want 1 to 1000", f.workers))
	case !(f.rate >= 0 && f.rate <= 1e6):
		return usage(fmt.Errorf("--rate %v: want 0 to 1000000 calls a second", f.rate))
	case f.retries < 0:
		return usage(fmt.Errorf("--retries %d: want 0 or more", f.retries))
	case f.rowTimeout < 0:
		return usage(fmt.Errorf("--row-timeout %v: want 0 (never) or more", f.rowTimeout))
	}
	return nil
}
