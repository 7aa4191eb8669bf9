package sandbox

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"rollcall/tenant"
)

// Save writes the users back to the file that they were loaded from. A Tenant
// that was not loaded, or has not changed since, does nothing.
//
// Whoever reads the file at any time finds all of it as it was or all of it as
// it is to be, even after a power cut. Rows, columns and cells that no cmdlet
// has changed stay as they are; a property that was set and has no column gets
// one, at the right. Cmdlets may run meanwhile.
func (t *Tenant) Save() error {
	f, ok := t.users.(*file)
	if !ok {
		return nil
	}
	f.saving.Lock()
	defer f.saving.Unlock()

	f.mu.Lock()
	dirty, users := f.dirty, slices.Clone(f.users)
	f.dirty = false
	f.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := replace(f.path, func(w io.Writer) error { return f.write(w, users) }); err != nil {
		f.mu.Lock()
		f.dirty = true
		f.mu.Unlock()
		return fmt.Errorf("save %s: %w", f.path, err)
	}
	return nil
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
			if i < len(u.row.cells) {
				record[i] = u.row.cells[i]
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

// added returns the columns that users need and f has not.
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

// changed returns what column c has to say of u if it is not what the cell,
// which is c's, says already.
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
		if was, ok := boolText(trimmed); on == (was || !ok) {
			return "", false
		}
		return tenant.Text(on), true
	case genericKind:
		set := u.more.object("")
		v, ok := set[spelling(set, c.name)]
		if !ok || same(v, parseCell(cell)) {
			return "", false
		}
		if v == nil {
			return "", true
		}
		return tenant.Text(v), true
	}
	return "", false
}

// replace gives the file called path the content that write writes, and keeps
// its mode.
func replace(path string, write func(io.Writer) error) (err error) {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	w := bufio.NewWriterSize(tmp, 1<<16)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := tmp.Chmod(info.Mode().Perm()); err != nil && runtime.GOOS != "windows" {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename in the directory called name last. Windows has no way
// to do so.
func syncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
