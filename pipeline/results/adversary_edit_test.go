package results

import (
	"bytes"
	"fmt"
	"slices"

	"rollcall/pipeline/roster"
)

// edit does one thing to the roster, the command or the files, and says what. It
// says nothing if that was not possible.
func (a *adversary) edit(f *files) string {
	switch a.chance.IntN(11) {
	case 0, 1:
		return a.editRoster()
	case 10:
		return a.splice(f)
	case 8:
		if !a.told() {
			return ""
		}
		f.results, f.journal = nil, nil
		return "the results and the journal: removed"
	case 9:
		if !a.told() {
			return ""
		}
		return a.editFile("the summary", f, func(f *files) *[]byte { return &f.summary })
	case 2:
		if len(f.results) == 0 && f.journal == nil && f.summary == nil {
			return ""
		}
		what := simPick(a.chance, "change", "setting", "tenant")
		*map[string]*string{"change": &a.manifest.Change, "setting": &a.manifest.Noun, "tenant": &a.manifest.Where.Tenant}[what] += "X"
		return "another " + what
	case 3, 4, 5:
		return a.editFile("the results", f, func(f *files) *[]byte { return &f.results })
	default:
		return a.editFile("the journal", f, func(f *files) *[]byte { return &f.journal })
	}
}

// editRoster does one thing to the rows.
func (a *adversary) editRoster() string {
	if len(a.rows) == 0 {
		return ""
	}
	rows := slices.Clone(a.rows)
	i, j := a.chance.IntN(len(rows)), a.chance.IntN(len(rows))
	what := simPick(a.chance, "another user", "other users on every other row", "two users swapped", "a row less", "a row more", "other values")
	put := func(i int, upn string) {
		rows[i].UPN, rows[i].Verdict, rows[i].Reason = upn, roster.Usable, ""
		rows[i].Cells = append([]string{upn}, rows[i].Cells[1:]...)
	}
	switch what {
	case "another user": // one mistyped may be corrected so
		put(i, a.someone())
	case "other users on every other row":
		for k := j % 2; k < len(rows); k += 2 {
			put(k, a.someone())
		}
	case "two users swapped":
		one, two := rows[i].UPN, rows[j].UPN
		put(i, two)
		put(j, one)
	case "a row less":
		rows = slices.Delete(rows, i, i+1)
	case "a row more":
		row := rows[i]
		row.Line = rows[len(rows)-1].Line + 1
		rows = append(rows, row)
		put(len(rows)-1, a.someone())
	case "other values":
		if a.change[0] != "PrivacyMode=@Mode" {
			return ""
		}
		for k := i; k < len(rows); k += 1 + j {
			mode := map[string]string{"opt-in": "opt-out"}[rows[k].Cells[1]]
			if mode == "" {
				mode = "opt-in"
			}
			rows[k].Cells = []string{rows[k].Cells[0], mode, rows[k].Cells[2]}
		}
	}
	a.judge(rows)
	a.rows = rows
	a.describe()
	return what
}

// someone returns a user whom the roster need not have.
func (a *adversary) someone() string {
	if a.chance.IntN(3) == 0 {
		if row := a.rows[a.chance.IntN(len(a.rows))]; row.Verdict == roster.Usable {
			return row.UPN
		}
	}
	return a.spare[a.chance.IntN(len(a.spare))]
}

// judge says of rows of users who have several what a roster says, and of UPNs
// that can't be.
func (a *adversary) judge(rows []roster.Row) {
	first := make(map[string]int)
	for i, row := range rows {
		if a.tenant.users[row.UPN] == nil && row.Verdict == roster.Usable {
			rows[i].Verdict, rows[i].Reason = roster.Invalid, "not a UPN"
		}
		if row.Verdict == roster.Duplicate || row.Verdict == roster.Conflict && a.tenant.users[row.UPN] != nil {
			rows[i].Verdict, rows[i].Reason = roster.Usable, ""
		}
		if rows[i].Verdict != roster.Usable {
			continue
		}
		j, ok := first[row.UPN]
		switch {
		case !ok:
			first[row.UPN] = i
		case rows[j].Cells[1] == row.Cells[1] && rows[j].Verdict == roster.Usable:
			rows[i].Verdict, rows[i].Reason = roster.Duplicate, fmt.Sprintf("as line %d", rows[j].Line)
		default:
			rows[i].Verdict, rows[i].Reason = roster.Conflict, "wanted another way on another line"
			for k := range i {
				if rows[k].UPN == row.UPN {
					rows[k].Verdict, rows[k].Reason = roster.Conflict, rows[i].Reason
				}
			}
		}
	}
}

// splice puts lines of another run's journal, or of an older one, into the journal.
func (a *adversary) splice(f *files) string {
	other := simPick(a.chance, a.other, a.history[a.chance.IntN(len(a.history))]).journal
	lines := bytes.SplitAfter(bytes.TrimRight(other, "\x00"), []byte("\n"))
	written := bytes.TrimRight(f.journal, "\x00")
	if len(lines) < 2 || len(written) == 0 {
		return ""
	}
	lines = lines[1+a.chance.IntN(len(lines)-1):]
	is := append(slices.Clone(written), bytes.Join(lines, nil)...)
	f.journal = append(is, make([]byte, max(0, len(f.journal)-len(is)))...)
	return fmt.Sprintf("the journal: got %d lines of another", len(lines))
}

// told reports whether a summary tells whose journal has to be there: one of them
// has to be left of the two, see TestAdversary.
func (a *adversary) told() bool {
	s, _ := readSummary(a.name)
	j, _, _ := readJournal(a.name)
	return s != nil && j != nil && (s.Manifest.ID == j.manifest.ID || s.Manifest.ID == j.manifest.Was)
}

// editFile does one thing to one of the files.
func (a *adversary) editFile(name string, f *files, of func(*files) *[]byte) string {
	b := of(f)
	if *b == nil {
		return ""
	}
	was := *b
	what := simPick(a.chance, "cut", "cut behind a line", "a bit flipped", "a bit flipped", "another name", "another name", "emptied", "removed", "another run's", "an older one", "an older one")
	if slices.Contains([]string{"removed", "another run's", "an older one"}, what) && of(f) == &f.journal && !a.told() {
		return ""
	}
	written := len(bytes.TrimRight(was, "\x00"))
	switch what {
	case "cut":
		*b = was[:a.chance.IntN(written+1)]
	case "cut behind a line":
		n := a.chance.IntN(written + 1)
		if i := bytes.IndexByte(was[n:], '\n'); i >= 0 {
			n += i + 1
		}
		*b = was[:n]
	case "a bit flipped":
		if written == 0 {
			return ""
		}
		at := a.chance.IntN(written)
		if a.chance.IntN(2) == 0 { // in what was written last
			at = written - 1 - a.chance.IntN(min(written, 300))
		}
		*b = slices.Clone(was)
		(*b)[at] ^= 1 << a.chance.IntN(8)
		what += fmt.Sprintf(" at %d: %q is %q", at, was[max(0, at-20):min(written, at+20)], (*b)[max(0, at-20):min(written, at+20)])
		a.spoilt = a.spoilt || of(f) == &f.results
	case "another name": // by a bit
		var ends []int
		for i := range written {
			if was[i] == '@' && i > 0 {
				ends = append(ends, i-1)
			}
		}
		if ends == nil {
			return ""
		}
		at := ends[max(a.chance.IntN(len(ends)), a.chance.IntN(len(ends)))]
		*b = slices.Clone(was)
		(*b)[at] ^= 1
		what += fmt.Sprintf(" at %d: %q", at, (*b)[max(0, at-40):at+1])
		a.spoilt = a.spoilt || of(f) == &f.results
	case "emptied":
		*b = []byte{}
	case "removed":
		*b = nil
	case "another run's":
		*b = *of(&a.other)
	case "an older one":
		*b = *of(&a.history[a.chance.IntN(len(a.history))])
	}
	if bytes.Equal(*b, was) && (*b == nil) == (was == nil) {
		return ""
	}
	return name + ": " + what
}
