package roster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Any bytes are a roster or an error: no panic, no hang; every row has a
// verdict, the verdicts add up, and a second reading is the first again.
func FuzzOpen(f *testing.F) {
	for _, s := range []string{
		"UPN\nada@b.cd\nADA@b.cd\nx\n",
		"sep=;\r\nversion:v1.0\r\n#TYPE x\r\nUPN;a\r\nExample: a@b.cd;1\r\na@b.cd;\"x\r\n\"\"y\" z\r\n;;\r\n",
		"\xff\xfeU\x00P\x00N\x00\n\x00a\x00@\x00b\x00.\x00c\x00\n\x00\x1a\x00",
		"UPN,n\na@b.cd,Zo\xeb\nb@b.cd,\"\n",
		"UPN\ra@b.cd\r\r\nA@b.cd,,\r\n\r,\x1a",
		"\xef\xbb\xbf\"User name [userPrincipalName]\"|x\na@b.cd|1\na@b.cd|2",
		"a@b.cd", "PK\x03\x04", "\x00", "\"", ",,,\n;;;",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, wants bool) {
		var asks func(*Row) (string, error)
		if wants {
			asks = func(row *Row) (string, error) {
				if len(row.Cells) > 1 && row.Cells[1] == "1" {
					return "", errors.New("")
				}
				return strings.Join(row.Cells[1:], "|"), nil
			}
		}
		r, err := open(func() (*source, error) { return spool("-", strings.NewReader(string(b))) }, Options{}, func(b []byte) uint64 { return uint64(b[0]) << 60 })
		if err == nil {
			defer r.Close()
			err = r.Survey(asks)
		}
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok || strings.ContainsAny(err.Error(), "\n\x00") || len(err.Error()) > 5000 {
				t.Errorf("Open: %q", err)
			}
			return
		}
		d := r.Description()
		if d.Users == 0 || d.Users+d.Duplicates+d.Rejected+d.Examples+d.Conflicts != d.Rows {
			t.Errorf("does not add up: %+v", d)
		}
		rows := readAll(t, r)
		if !sameCounts(tally(rows), d) {
			t.Errorf("rows add up to %+v; described as %+v", tally(rows), d)
		}
		line := 1
		for _, row := range rows {
			if row.Line <= line || len(row.Cells) != len(r.Header()) || (row.Reason == "") != (row.Verdict == Usable) {
				t.Errorf("after line %d: %+v", line, row)
			}
			if upn, err := ParseUPN(row.UPN); row.Verdict != Invalid && row.Verdict != Example && (err != nil || upn != row.UPN) {
				t.Errorf("line %d is %s with UPN %q", row.Line, row.Verdict, row.UPN)
			}
			line = row.Line
		}
		if again := readAll(t, r); fmt.Sprintf("%#v", again) != fmt.Sprintf("%#v", rows) {
			t.Errorf("read %+v, then %+v", rows, again)
		}
	})
}

// Several Readers at once each read all rows, and may do so while others do.
func TestReadersAtOnce(t *testing.T) {
	r := openText(t, "UPN,n\n"+strings.Repeat("a@b.cd,\"\"\"x\"\nb@b.cd,2\nbad,3\n", 5000), Options{})
	want := fmt.Sprint(readAll(t, r))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got := fmt.Sprint(readAll(t, r)); got != want {
				t.Error("rows differ from those of the first reading")
			}
		})
	}
	wg.Wait()
}

// Read uses the array of the cells again and nothing else of the row before.
func TestReadReusesCells(t *testing.T) {
	rd := openText(t, "UPN,n\na@b.cd,1\nb@b.cd\n", Options{}).Rows()
	var row Row
	if err := rd.Read(&row); err != nil {
		t.Fatal(err)
	}
	first, upn, n := &row.Cells[0], row.UPN, row.Cells[1]
	if err := rd.Read(&row); err != nil {
		t.Fatal(err)
	}
	if &row.Cells[0] != first || upn != "a@b.cd" || n != "1" || !slices.Equal(row.Cells, []string{"b@b.cd", ""}) {
		t.Errorf("kept %q and %q, then read %q", upn, n, row.Cells)
	}
	for range 2 {
		if err := rd.Read(&row); err != io.EOF {
			t.Errorf("after the last row: %v; want EOF", err)
		}
	}
}

// Who writes into the file between two readings, or during one, is noticed;
// who puts another file in its place is not in the way.
func TestChanges(t *testing.T) {
	text := "UPN\n" + strings.Repeat("ada@b.cd\n", readAhead/4)
	changes := map[string]func(name string) error{
		"longer": func(name string) error { return os.WriteFile(name, []byte(text+"x"), 0o600) },
		"longer, with the old time": func(name string) error {
			info, err := os.Stat(name)
			if err != nil {
				return err
			}
			return errors.Join(os.WriteFile(name, []byte(text+"x"), 0o600), os.Chtimes(name, time.Time{}, info.ModTime()))
		},
		"shorter": func(name string) error { return os.Truncate(name, 20) },
		"later":   func(name string) error { return os.Chtimes(name, time.Time{}, time.Now().Add(time.Hour)) },
	}
	for how, change := range changes {
		name := write(t, text)
		r, err := surveyed(Open(name, nil, Options{}))
		if err != nil {
			t.Fatal(err)
		}
		rd := r.Rows()
		var row Row
		if err := rd.Read(&row); err != nil {
			t.Fatal(err)
		}
		if err := change(name); err != nil {
			t.Fatal(err)
		}
		for _, rd := range []*Reader{rd, r.Rows()} {
			for err = nil; err == nil; err = rd.Read(&row) {
			}
			if want := "read " + name + ": changed while it was being read"; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s: %v; want %s", how, err, want)
			}
		}
		r.Close()
	}

	r := openText(t, text, Options{})
	name := r.Name()
	other := write(t, "something else")
	if err := os.Rename(other, name); err != nil {
		t.Skip(err) // not every system lets an open file be replaced
	}
	if got := len(readAll(t, r)); got != readAhead/4 {
		t.Errorf("%d rows after another file took the place; want %d", got, readAhead/4)
	}
}

// Temporary files are readable by the user alone, and nothing is left of them,
// whether Open succeeds or not.
func TestTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	left := func() []os.DirEntry {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return entries
	}
	for _, text := range []string{"UPN\na@b.cd\n", "UPN\na@b.cd,\xfc\n", "UPN\na@b.cd\x81\n", "\xff\xfeU\x00P\x00N\x00", "no\n", ""} {
		r, err := surveyed(Open("-", strings.NewReader(text), Options{}))
		if err == nil {
			info, err := r.src.file.Stat()
			if err != nil {
				t.Fatal(err)
			}
			if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%q: the temporary file has mode %v", text, info.Mode())
			}
			if n := len(left()); n > 1 {
				t.Errorf("%q: %d temporary files", text, n)
			}
			r.Close()
		}
		if entries := left(); len(entries) > 0 {
			t.Errorf("%q: %s is left", text, entries[0].Name())
		}
	}
}

// A roster that breaks only in the middle is an error of Survey, not of Read.
func TestBrokenRosterIsFoundFirst(t *testing.T) {
	text := "UPN,n\n" + strings.Repeat("a@b.cd,1\n", 50_000) + "b@b.cd,\"1\n" + strings.Repeat("c@b.cd,1\n", 200_000)
	_, err := surveyed(Open(write(t, text), nil, Options{}))
	if err == nil || !strings.Contains(err.Error(), "line 50002, column 8: a quote is opened here and not closed within 1024 KiB") {
		t.Errorf("surveyed: %v", err)
	}
}

func TestVerdictString(t *testing.T) {
	var got []string
	for v := Usable; v <= Example+1; v++ {
		got = append(got, v.String())
	}
	if want := "usable invalid duplicate conflict example Verdict(5)"; strings.Join(got, " ") != want {
		t.Errorf("got %s; want %s", strings.Join(got, " "), want)
	}
}

// A row has the UPN trimmed if it is one, and otherwise what stood in the cell.
func TestRowUPN(t *testing.T) {
	rows := readAll(t, openText(t, "UPN\n ada@b.cd \n bad \n ADA@b.cd\n Example: x\n", Options{}))
	for i, want := range []string{"ada@b.cd", " bad ", "ADA@b.cd", " Example: x"} {
		if rows[i].UPN != want {
			t.Errorf("line %d has %q; want %q", rows[i].Line, rows[i].UPN, want)
		}
	}
}
