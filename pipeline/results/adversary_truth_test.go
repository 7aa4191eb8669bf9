package results

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"rollcall/pipeline"
	"rollcall/tenant"
)

// look compares all that the files say with what the tenant knows.
//
// What a bit that flipped behind the mark has made of a record is gone on with, if
// it still is one of the same user.
func (a *adversary) look() {
	f := a.read()
	if a.spoilt {
		f.results = nil
	}
	a.truth(f)
}

// truth compares what results and the journal say of users with what the tenant
// knows of them.
func (s *simulation) truth(f files) {
	records, _ := simRecords(f.results)
	for _, record := range records[min(1, len(records)):] {
		e := entry{UPN: record[1], Status: record[2], Done: true}
		for i := range s.format.Properties {
			cell := func(n int) string { return UnescapeCell(record[firstValue+3*i+n]) }
			e.Values = append(e.Values, pipeline.Value{After: cell(0), Wanted: cell(1), Before: cell(2)})
		}
		e.Line, _ = strconv.Atoi(record[0])
		s.true(&e, "the results")
	}
	for _, text := range simLines(f.journal) {
		var e entry
		if json.Unmarshal(text, &e) == nil && e.Line > 0 {
			if e.Values == nil && e.Before != nil {
				for i, before := range e.Before {
					e.Values = append(e.Values, pipeline.Value{Wanted: e.Wanted[i], Before: before})
				}
			}
			s.true(&e, "the journal")
		}
	}
}

// true compares what there is to read of one row with what the tenant knows.
func (s *simulation) true(e *entry, where string) {
	u := s.tenant.users[e.UPN]
	wrong := func(format string, args ...any) {
		s.t.Helper()
		s.t.Errorf("%s: line %d, %s: %s is %+v: "+format, append([]any{where, e.Line, e.UPN, e.Status, e.Values}, args...)...)
	}
	if u == nil {
		if slices.Contains([]string{"applied", "unchanged", "mismatch", "unverified"}, e.Status) {
			wrong("there is no such user")
		}
		return
	}
	sent := slices.Contains([]string{"applied", "mismatch", "unverified"}, e.Status)
	switch {
	case sent && !u.sent:
		wrong("no set was sent")
	case e.Status == "unchanged" && u.calls == 0:
		wrong("nobody has read it")
	case e.Status == "not-found" && u.fate != missing, e.Status == "denied" && u.set && !s.tenant.undoing:
		wrong("fate %d, and it was set: %v", u.fate, u.set)
	}
	for i, v := range e.Values {
		name := s.format.Properties[i]
		is := tenant.Text(u.values[name])
		if (e.Status == "applied" || e.Status == "unchanged") && v.Wanted != "" && !strings.EqualFold(v.Wanted, is) {
			wrong("%s is %s", name, is)
		}
		if s.tenant.undoing || v.Before == "" {
			continue
		}
		if first := tenant.Text(u.first[name]); !strings.EqualFold(v.Before, first) {
			wrong("%s was %s at first", name, first)
		}
	}
}
