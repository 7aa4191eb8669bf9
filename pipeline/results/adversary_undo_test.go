package results

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// undo undoes what the files tell of, as the program does it, and looks at what
// has become of everybody.
func (a *adversary) undo() {
	a.tenant.settle()
	set := make(map[string]bool)
	for upn, u := range a.tenant.users {
		set[upn] = u.sent
	}
	a.tenant.undoing, a.tenant.spoilt = true, a.spoilt
	doubts, err := a.putBack()
	a.edits = append(a.edits, fmt.Sprintf("undone: %v, with doubts %q", err, doubts))
	for upn, u := range a.tenant.users {
		changed := set[upn] && !strings.HasPrefix(upn, "other") && !sameValues(u.values, u.first)
		switch {
		case changed && err == nil:
			a.t.Errorf("undo ended with 0, and %s (fate %d) has %v, and had %v", upn, u.fate, u.values, u.first)
		case changed && !a.edited && a.readFirst && u.fate == obliging:
			a.t.Errorf("nobody interfered, and %s can't be put back: it has %v, and had %v", upn, u.values, u.first)
		}
	}
}

func sameValues(a, b map[string]any) bool {
	for name, v := range a {
		if !strings.EqualFold(tenant.Text(v), tenant.Text(b[name])) {
			return false
		}
	}
	return true
}

// putBack makes the run of an undo. It returns no error if that would end with 0.
func (a *adversary) putBack() (doubts []string, err error) {
	u := &simulation{t: a.t, name: strings.TrimSuffix(a.name, ".csv") + "-undone.csv", tenant: a.tenant, chance: a.chance,
		pace: a.pace, readFirst: true, adverse: true}
	past, users, err := u.open(a.name)
	if err != nil {
		return nil, err
	}
	defer users.Close()
	reader := users.Rows()
	for {
		var row roster.Row
		if err := reader.Read(&row); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		row.Cells = slices.Clone(row.Cells)
		u.rows = append(u.rows, row)
	}
	var i interruption
	for range a.chance.IntN(3) {
		i = interruption{kind: simPick(a.chance, "kill", "power cut"), events: 1 + a.chance.IntN(5+10*len(u.rows))}
		if _, err := u.live(i, 1+a.chance.IntN(8)); err != nil {
			a.t.Errorf("undo can't be gone on with: %v", err)
			return nil, err
		}
	}
	if complete := u.process(interruption{}, 1+a.chance.IntN(8)); !complete && !a.t.Failed() {
		a.t.Error("an undo that was left alone is not complete")
	}
	u.truth(u.read())
	switch {
	case u.summary.Failed() > 0:
		err = fmt.Errorf("%+v", u.summary)
	case len(past.Doubts) > 0:
		err = fmt.Errorf("doubts")
	}
	return past.Doubts, err
}

// open makes u an undo of the results file called name, as package job does.
func (u *simulation) open(name string) (*Past, *roster.Roster, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	source := NewSource(f)
	f.Close()
	if source == nil {
		return nil, nil, ErrNotResults
	}
	if source.Past, err = ReadPast(name); err != nil {
		return nil, nil, err
	}
	change := &pipeline.Change{Source: source}
	change.Setting, _ = tenant.LookupSetting("MyAnalyticsFeatureConfig")
	if err := source.AssignBefore(change); err != nil {
		return nil, nil, err
	}
	options := roster.Options{Only: ChangingStatuses, Skip: source.Unchanged}
	var users *roster.Roster
	if source.Past.HasJournalRows() {
		in, err := source.Past.Open(true)
		if err != nil {
			return nil, nil, err
		}
		defer in.Close()
		users, err = roster.Read(name, in, options)
		if err != nil {
			return nil, nil, err
		}
	} else if users, err = roster.Open(name, nil, options); err != nil {
		return nil, nil, err
	}
	if err := change.Survey(users); err != nil {
		users.Close()
		return nil, nil, err
	}
	u.bound = change
	source.Past.Doubts = source.Doubts(users.Description().Rows)
	u.format = Format{Properties: change.Properties(), Moved: change.Moved(), Header: users.Header(), UPN: users.UPN(), Own: source.Own}
	u.manifest = Manifest{Run: "undo", Tenant: "contoso", Noun: "MyAnalyticsFeatureConfig", Change: change.String(),
		Rows: users.Description().Rows, Digest: users.Digest(), Befores: true}
	return source.Past, users, nil
}

// undo looks at a Set of an undo for u, or nobody.
func (s *simTenant) undo(c tenant.Cmdlet, u *simUser) {
	for name, value := range simSets(c) {
		switch {
		case s.spoilt: // see TestAdversary
		case u == nil || !u.sent:
			s.t.Errorf("undo: %s is set, and was not by the run", c.Identity)
		case !strings.EqualFold(tenant.Text(value), tenant.Text(u.first[name])):
			s.t.Errorf("undo: %s is set to %s %v, and had %v", c.Identity, name, value, u.first[name])
		}
	}
}
