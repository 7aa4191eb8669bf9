package sandbox

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"rollcall/tenant"
)

// Save writes the users to the file that they were loaded from, and removes the log of their
// changes. It does nothing for a Tenant that was not loaded, or that has no changes.
//
// At any time, even after a power cut, the file has either all of the old or all of the new
// content. Rows, columns and cells that no cmdlet has changed stay as they are. A property
// that was set and has no column gets one, at the right. Cmdlets may run meanwhile.
//
// If another process has changed the file since it was loaded, Save returns an error and
// changes neither the file nor the log.
func (t *Tenant) Save() error {
	f, ok := t.users.(*file)
	if !ok {
		return nil
	}
	f.saving.Lock()
	defer f.saving.Unlock()
	if err := f.save(); err != nil {
		return fmt.Errorf("save %s: %w", f.path, err)
	}
	return nil
}

func (f *file) save() error {
	f.mu.Lock()
	count, folded := f.log.count, f.log.folded
	var users []user
	var err error
	if count > folded {
		users = slices.Clone(f.users)
		err = f.check()
	}
	f.mu.Unlock()
	if err != nil {
		return err
	}
	if count > folded {
		var digest string
		info, err := replace(f.path, func(w io.Writer) error { return f.write(w, users) }, func(sum string) error {
			digest = sum
			return f.announce(entry{File: sum, Changes: count})
		})
		if info != nil {
			f.mu.Lock()
			f.info, f.digest, f.log.folded = info, digest, count
			f.mu.Unlock()
		}
		if err != nil {
			return err
		}
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	if f.log.found == nil || f.log.count > f.log.folded {
		return nil
	}
	return f.log.remove()
}

// announce appends to the log the state that the file is going to have, and brings the log to
// the disk. If a power cut comes after the replacement, the log has the state of the file.
func (f *file) announce(state entry) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.append(state); err != nil {
		return err
	}
	if err := f.log.out.Sync(); err != nil {
		return err
	}
	return f.log.check()
}

func (f *file) write(w io.Writer, users []user) error {
	if f.bom {
		if _, err := w.Write(utf8BOM); err != nil {
			return err
		}
	}
	added := f.added(users)
	header := slices.Clone(f.header)
	for _, c := range added {
		header = append(header, c.name)
	}
	columns := append(slices.Clip(f.columns), added...)

	out := csv.NewWriter(w)
	out.UseCRLF = f.crlf
	if err := out.Write(header); err != nil {
		return err
	}
	record := make([]string, len(columns))
	for _, u := range users {
		for i, c := range columns {
			record[i] = ""
			if cells := u.more.row.cells; i < len(cells) {
				record[i] = cells[i]
			}
			if text, ok := c.changed(u, record[i]); ok {
				record[i] = text
			}
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// added returns the columns that users need and that f does not have.
func (f *file) added(users []user) []column {
	has := make(map[string]bool)
	for _, c := range f.columns {
		has[strings.ToLower(c.name)] = true
	}
	var all flags
	names := make(map[string]string)
	for _, u := range users {
		all |= u.flags
		for name := range u.more.object("") {
			names[strings.ToLower(name)] = name
		}
	}
	var added []column
	add := func(c column) {
		if !has[strings.ToLower(c.name)] {
			added = append(added, c)
		}
	}
	if all&privacy != 0 {
		add(makeColumn(modeColumn))
	}
	for _, t := range toggles {
		if all&t.off != 0 {
			add(makeColumn(t.property))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(names)) {
		add(makeColumn(names[key]))
	}
	return added
}

// changed returns the new text for a cell of column c and user u, if the cell does not have
// the same value already.
func (c column) changed(u user, cell string) (text string, ok bool) {
	trimmed := strings.TrimSpace(cell)
	switch c.kind {
	case modeKind:
		if f, _ := modeFlags(trimmed); f == u.flags&privacy {
			return "", false
		}
		switch {
		case u.flags&optOut != 0:
			return "opt-out", true
		case u.flags&excluded != 0:
			return "excluded", true
		}
		return "opt-in", true
	case toggleKind:
		on := u.flags&c.off == 0
		if was, ok := tenant.ParseBool(trimmed); on == (was || !ok) {
			return "", false
		}
		return tenant.Text(on), true
	case genericKind:
		set := u.more.object("")
		v, ok := set[spelling(set, c.name)]
		if !ok || same(v, parseCell(cell)) {
			return "", false
		}
		switch list, isList := v.([]any); {
		case v == nil:
			return "", true
		case isList && len(list) == 0: // which stays a list
			return "[]", true
		}
		return tenant.Cell(v), true
	}
	return "", false
}
