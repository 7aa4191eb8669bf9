package html

import (
	"cmp"
	"strings"
	"time"
)

// facts returns what was asked for, of which tenant, by which roster, and when.
func (p *Page) facts() []fact {
	var facts []fact
	bounded := func(most int, name, text, more string) {
		if text != "" {
			facts = append(facts, fact{Name: name, Text: visible(clip(text, most)), More: visible(clip(more, maxCell)), Code: name == factCommand})
		}
	}
	add := func(name, text, more string) { bounded(maxCell, name, text, more) }
	at := func(name string, t time.Time) {
		if !t.IsZero() {
			t = t.UTC()
			facts = append(facts, fact{Name: name, Text: t.Format("2 January 2006, 15:04:05 UTC"), Time: t.Format(time.RFC3339)})
		}
	}
	add(factAsked, cmp.Or(p.Change, p.Tally.wanted()), p.Noun)
	bounded(maxNote, factNote, p.Note, "")
	add("Kind of run", p.kindText(), "")
	add(factTenant, p.Tenant, "")
	rows := ""
	if p.Counts.Total > 0 {
		rows = amount(p.Counts.Total, "row")
	}
	add("Roster", p.Roster, rows)
	add(factRun, p.By, signedIn(p.Caller))
	if p.Began.IsZero() {
		at("First row done", p.Tally.First)
		at("Last row done", p.Tally.Last)
	} else {
		at("Began", p.Began)
		at("Ended", p.Ended)
		add("Took", duration(p.Ended.Sub(p.Began)), "")
	}
	if p.Earlier > 0 {
		add("Resumed after", amount(p.Earlier, "row"), "recorded by an earlier run and included in this report")
	}
	add("Passed over", p.PassedOver, "")
	add("Outcome", p.outcome(), "")
	bounded(maxCommand, factCommand, p.CommandLine, "")
	add("Results file", p.Results, "")
	add(factRoster, p.RosterSHA256, "")
	add(factResults, p.ResultsSHA256, "")
	if p.Program != "" {
		add("Made with", "rollcall "+p.Program, "")
	}
	if p.Source != "" {
		add("Made from", p.Source, "which has no more information about the run")
	}
	return facts
}

// Names of the facts that identify the run of a report.
const (
	factAsked   = "Asked for"
	factTenant  = "Tenant"
	factCommand = "Command"
	factNote    = "Note"
	factRun     = "Run"
	factRoster  = "SHA-256 of the roster"
	factResults = "SHA-256 of the results"
)

// Bounds of texts that the user wrote, in characters.
const (
	maxNote    = 500
	maxCommand = 4100
)

func signedIn(caller string) string {
	if caller == "" {
		return ""
	}
	return "signed in as " + caller
}

func (p *Page) kindText() string {
	switch {
	case p.Kind == "audit":
		return "audit, which only reads"
	case p.Kind == "" && p.isAudit():
		return "audit, as the statuses in the file show"
	}
	return p.Kind
}

func (p *Page) outcome() string {
	switch {
	case p.Stopped != "":
		return "not complete"
	case p.Counts.Total > 0 && p.Counts.Done() == p.Counts.Total:
		return "complete: every row of the roster has a result"
	case p.Counts.Total > 0:
		return "not complete"
	}
	return ""
}

// wanted returns the values that the rows wanted, in the form of --set.
func (t *Tally) wanted() string {
	var parts []string
	for i, m := range t.moves[:len(t.properties)] {
		switch {
		case len(m.wanted) == 0:
			parts = append(parts, t.properties[i])
		case len(m.wanted) == maxWanted:
			parts = append(parts, t.properties[i]+", row by row: "+strings.Join(m.wanted[:maxWanted-1], ", ")+" and others")
		case len(m.wanted) > 1:
			parts = append(parts, t.properties[i]+", row by row: "+strings.Join(m.wanted, ", "))
		default:
			parts = append(parts, t.properties[i]+"="+m.wanted[0])
		}
	}
	return strings.Join(parts, "; ")
}
