package job

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/tenant"
	"rollcall/tenant/connect"
)

// DefaultNoun is the setting that a job changes if no other is named.
const DefaultNoun = "MyAnalyticsFeatureConfig"

// Wanted is the change that a person asks for.
type Wanted struct {
	Noun          string   // of the setting; "" is the noun of the roster if it is a results file, otherwise DefaultNoun
	Sets          []string // each NAME=VALUE, NAME=@COLUMN, NAME+=VALUE or NAME-=VALUE
	ExcludedAs    string   // the PrivacyMode to set where the retired Excluded is asked for; "" refuses Excluded
	MatchCase     bool     // values that differ only in capitals are different
	ListSeparator string   // separates the members of [a;b]; "" is ;
}

// Change returns the change that w asks for, or an error if w is not valid.
func (w Wanted) Change() (*pipeline.Change, error) {
	setting, err := tenant.LookupSetting(cmp.Or(w.Noun, DefaultNoun))
	if err != nil {
		return nil, err
	}
	c := &pipeline.Change{Setting: setting, RetiredAs: w.ExcludedAs, MatchCase: w.MatchCase, ListSeparator: w.ListSeparator}
	if w.ExcludedAs != "" {
		if _, err := setting.Parse("PrivacyMode", w.ExcludedAs); err != nil {
			return nil, &connect.SettingError{Setting: "excluded-as", Err: err}
		}
	}
	for _, s := range w.Sets {
		if err := c.Assign(s); err != nil {
			return nil, err
		}
	}
	for _, name := range c.Properties() {
		if results.IsColumn(name) {
			return nil, fmt.Errorf("set %s: the results have a column of that name", name)
		}
	}
	return c, nil
}

// A WantedError says that the change that is asked for is not valid.
type WantedError struct{ Err error }

func (e *WantedError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *WantedError) Unwrap() error { return e.Err }

// ErrNoChange is the cause of the error of a job without a change.
var ErrNoChange = errors.New("no change asked for")

// ErrNotResults is the cause of the error of an undo of another file.
var ErrNotResults = errors.New("not a results file")

// A NounError says that a results file is about another setting than the one asked for.
type NounError struct{ Err error }

func (e *NounError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *NounError) Unwrap() error { return e.Err }

// decideChange finds out what to change, and on which tenant. The options come first. If
// they name no change and the roster is a results file, its record does: it also has the
// noun and, for undo, the tenant.
func (j *job) decideChange() error {
	if m := j.Source.Manifest(); m != nil {
		if len(j.Wanted.Sets) == 0 {
			j.Wanted.Noun = cmp.Or(j.Wanted.Noun, m.Noun)
		}
		if j.Undo && j.Settings.Tenant == "" {
			j.useTenantOf(m.Where)
		}
	}
	if err := j.checkIgnored(); err != nil {
		return err
	}
	if j.Undo && j.Settings.Tenant == "" && j.Source != nil && j.Source.Manifest() == nil && (j.past() == nil || j.past().Ignored == nil) {
		return &connect.SettingError{Setting: "tenant", Err: fmt.Errorf("undo %s needs it: no summary says on which tenant its run was", j.input.title)}
	}
	if j.Settings.Tenant == "" {
		j.Settings.Tenant, j.unnamed = connect.Sandbox, true
	}
	change, err := j.Wanted.Change()
	if err != nil {
		return &WantedError{err}
	}
	j.Change = change
	err = j.useSource(change)
	if j.ReadFirst = j.ReadFirst || change.Expects(); err == nil && !j.hasBefores() && j.MaxChanges.IsSet() {
		return &connect.SettingError{Setting: "max-changes", Value: j.MaxChanges.String(), Err: errors.New("needs read-first, or the diff of an audit as the file")}
	}
	return err
}

// hasBefores reports whether the values before are known before the first write, and so
// which users would change.
func (j *job) hasBefores() bool { return j.Audit || j.ReadFirst || j.Change.HasBefores() }

// useSource adds to the change the values that a results file has, unless other values are
// wanted.
func (j *job) useSource(change *pipeline.Change) error {
	s := j.Source
	if s == nil && (j.Undo || j.IfUnchanged || change.Empty()) {
		// It may be a misspelt results file, which would say what it wants.
		if err := j.openable(); err != nil {
			return err
		}
	}
	switch {
	case s == nil && j.Undo:
		return fmt.Errorf("undo %s: %w", j.Roster, ErrNotResults)
	case j.IfUnchanged && (s == nil || !change.Empty()):
		return &connect.SettingError{Setting: "if-unchanged", Err: errors.New("needs the diff of an audit as the file, and no other change")}
	case s == nil && change.Empty() && j.Layout.Only != nil:
		return &connect.SettingError{Setting: "only", Err: fmt.Errorf("needs a results file or a diff, and %s is neither", j.Roster)}
	case s == nil && change.Empty():
		return &WantedError{ErrNoChange}
	case s == nil:
		return nil
	}
	var err error
	change.Source = s
	switch {
	case j.Undo:
		err = s.AssignBefore(change)
		j.Layout.Only = results.ChangingStatuses
	case change.Empty():
		err = s.AssignWanted(change, j.IfUnchanged)
		if j.Layout.Only == nil {
			j.Layout.Only = results.WantingStatuses
		}
	}
	if err != nil {
		return &NounError{err}
	}
	return nil
}

// openable returns an error if the roster can't be opened.
func (j *job) openable() error {
	if j.input.once != nil {
		return nil
	}
	f, err := os.Open(j.Roster)
	if err != nil {
		return err
	}
	return f.Close()
}

// useTenantOf sets the tenant that is on record, except for what the settings name.
func (j *job) useTenantOf(w results.Where) {
	s := &j.Settings
	s.Tenant = w.Tenant
	s.Organization = cmp.Or(s.Organization, w.Organization)
	s.Endpoint = cmp.Or(s.Endpoint, w.Endpoint)
	s.Cloud = cmp.Or(w.Cloud, s.Cloud)
}
