package roster

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// write returns the name of a file that has text.
func write(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// openText opens and surveys a file that has text.
func openText(t testing.TB, text string, o Options) *Roster {
	t.Helper()
	return openWanting(t, text, o, nil)
}

// openWanting is openText for a file whose rows want different things.
func openWanting(t testing.TB, text string, o Options, want func(*Row) (string, error)) *Roster {
	t.Helper()
	r, err := Open(write(t, text), nil, o)
	if err == nil {
		t.Cleanup(func() { r.Close() })
		err = r.Survey(want)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// surveyed surveys what Open returned, and closes it if that fails.
func surveyed(r *Roster, err error) (*Roster, error) {
	if err != nil {
		return nil, err
	}
	if err := r.Survey(nil); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// readAll returns the rows of r, each with cells of its own.
func readAll(t testing.TB, r *Roster) []Row {
	t.Helper()
	var rows []Row
	var row Row
	rd := r.Rows()
	for {
		err := rd.Read(&row)
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		keep := row
		keep.Cells = slices.Clone(row.Cells)
		rows = append(rows, keep)
	}
}

// tally counts rows by verdict, as a Description does.
func tally(rows []Row) (d Description) {
	d.Rows = len(rows)
	for _, row := range rows {
		switch row.Verdict {
		case Usable:
			d.Users++
		case Invalid:
			d.Rejected++
		case Duplicate:
			d.Duplicates++
		case Conflict:
			d.Conflicts++
		case Example:
			d.Examples++
		}
	}
	return d
}

// sameCounts reports whether two descriptions have the same rows.
func sameCounts(a, b Description) bool {
	return a.Rows == b.Rows && a.Users == b.Users && a.Rejected == b.Rejected &&
		a.Duplicates == b.Duplicates && a.Conflicts == b.Conflicts && a.Examples == b.Examples
}

// expected is the outcome that stands beside a sample roster.
type expected struct {
	OptionUPNColumn string   `json:"option_upn_column"`
	OptionOnly      []string `json:"option_only"`

	Error string `json:"error"` // part of the error, or ""

	Users      int               `json:"users"`
	Duplicates int               `json:"duplicates"`
	Rejected   int               `json:"rejected"`
	Examples   int               `json:"examples"`
	Rows       int               `json:"rows"`
	PassedOver int               `json:"passed_over"`
	Encoding   string            `json:"encoding"`
	Delimiter  string            `json:"delimiter"`
	UPNColumn  string            `json:"upn_column"`
	Warnings   int               `json:"warnings"`
	UPNs       []string          `json:"upns"`    // of the usable rows
	Lines      []int             `json:"lines"`   // of the usable rows
	Reasons    map[string]string `json:"reasons"` // of rows that can't be used, by line
}

// Every sample roster comes out as the file beside it says, from a file and
// from standard input.
func TestSamples(t *testing.T) {
	names, err := filepath.Glob("../../testdata/rosters/*.csv")
	if err != nil || len(names) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".csv"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(strings.TrimSuffix(name, ".csv") + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want expected
			dec := json.NewDecoder(bytes.NewReader(b))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&want); err != nil {
				t.Fatal(err)
			}
			testSample(t, name, nil, want)
			testSample(t, "-", text, want)
		})
	}
}

func testSample(t *testing.T, name string, stdin []byte, want expected) {
	t.Helper()
	r, err := surveyed(Open(name, bytes.NewReader(stdin), Options{UPNColumn: want.OptionUPNColumn, Only: want.OptionOnly}))
	if want.Error != "" {
		if err == nil {
			r.Close()
			t.Fatalf("%s: no error; want %s", name, want.Error)
		}
		if _, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), want.Error) {
			t.Errorf("%s: %v; want %s", name, err, want.Error)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	d := r.Description()
	if got := (expected{
		Users: d.Users, Duplicates: d.Duplicates, Rejected: d.Rejected, Examples: d.Examples, Rows: d.Rows, PassedOver: d.PassedOver,
		Encoding: d.Encoding, Delimiter: d.Delimiter, UPNColumn: d.UPNColumn, Warnings: len(d.Warnings),
	}); !equalCounts(got, want) {
		t.Errorf("%s: got %+v, warnings %q; want %+v", name, got, d.Warnings, want)
	}
	rows := readAll(t, r)
	if got := tally(rows); !sameCounts(got, d) {
		t.Errorf("%s: rows add up to %+v; described as %+v", name, got, d)
	}
	var upns []string
	var lines []int
	for _, row := range rows {
		if row.Verdict == Usable {
			upns, lines = append(upns, row.UPN), append(lines, row.Line)
			if row.Reason != "" {
				t.Errorf("%s: line %d is usable, and there is a reason: %s", name, row.Line, row.Reason)
			}
			continue
		}
		if row.Reason == "" {
			t.Errorf("%s: line %d is %s for no reason", name, row.Line, row.Verdict)
		}
		if reason, ok := want.Reasons[strconv.Itoa(row.Line)]; ok && reason != row.Reason {
			t.Errorf("%s: line %d: %s; want %s", name, row.Line, row.Reason, reason)
		}
		delete(want.Reasons, strconv.Itoa(row.Line))
	}
	if want.UPNs != nil && !slices.Equal(upns, want.UPNs) {
		t.Errorf("%s: users %q; want %q", name, upns, want.UPNs)
	}
	if !slices.Equal(lines, want.Lines) {
		t.Errorf("%s: users on lines %d; want %d", name, lines, want.Lines)
	}
}

func equalCounts(a, b expected) bool {
	return a.Users == b.Users && a.Duplicates == b.Duplicates && a.Rejected == b.Rejected && a.Examples == b.Examples &&
		a.Rows == b.Rows && a.PassedOver == b.PassedOver && a.Encoding == b.Encoding && a.Delimiter == b.Delimiter &&
		a.UPNColumn == b.UPNColumn && a.Warnings == b.Warnings
}

// A byte that isn't UTF-8 is noticed however late it comes, and what came
// before is read as what it is.
func TestLateByteMakesWindows1252(t *testing.T) {
	var b strings.Builder
	b.WriteString("UserPrincipalName,City\n")
	for i := range 3 * readAhead / 20 {
		b.WriteString("user" + strconv.Itoa(i) + "@fabrikam.com,Paris\n")
	}
	b.WriteString("last@fabrikam.com,M\xfcnchen\n")
	r := openText(t, b.String(), Options{})
	rows := readAll(t, r)
	if got, want := rows[len(rows)-1].Cells[1], "München"; got != want {
		t.Errorf("last city %q; want %q", got, want)
	}
	d := r.Description()
	if d.Encoding != "windows-1252" || d.Users != len(rows) || len(d.Warnings) != 1 {
		t.Errorf("described as %+v", d)
	}
}

// A character that the end of a block cuts in two is one character.
func TestCharactersAcrossBlocks(t *testing.T) {
	for shift := range 4 {
		text := "UserPrincipalName,City\n" + strings.Repeat("x", shift) + "a@fabrikam.com," + strings.Repeat("€", readAhead/2) + "\n"
		r := openText(t, text, Options{})
		if d := r.Description(); d.Encoding != "utf-8" || d.Users != 1 {
			t.Errorf("shift %d: %s", shift, d)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	name := write(t, "UPN\nada@fabrikam.com\n")
	for _, o := range []Options{{Encoding: "latin9"}, {Delimiter: '"'}, {Delimiter: '\n'}, {Delimiter: 'x'}, {Delimiter: '→'}} {
		if _, err := Open(name, nil, o); !errors.Is(err, ErrOption) {
			t.Errorf("Open with %+v: %v; want an ErrOption", o, err)
		}
	}
	if _, err := Open(name, nil, Options{UPNColumn: "x"}); err == nil || errors.Is(err, ErrOption) {
		t.Errorf("Open with a column that is not there: %v; want another error", err)
	}
}

func TestOptionsOverrule(t *testing.T) {
	tests := []struct {
		text string
		o    Options
		want string // the cells of the only row
	}{
		{"UPN;City\nada@fabrikam.com;M\xc3\xbcnchen\n", Options{Encoding: "Windows-1252"}, "ada@fabrikam.com|MÃ¼nchen"},
		{"\xef\xbb\xbfUPN;City\nada@fabrikam.com;M\xfcnchen\n", Options{Encoding: "windows1252"}, "ada@fabrikam.com|München"},
		{"U\x00P\x00N\x00\n\x00a\x00@\x00b\x00.\x00c\x00", Options{Encoding: "UTF-16LE"}, "a@b.c"},
		{"\x00U\x00P\x00N\x00\n\x00a\x00@\x00b\x00.\x00c", Options{Encoding: "utf16be"}, "a@b.c"},
		{"UPN,a;b\nada@fabrikam.com;1,2\n", Options{Delimiter: ';', UPNColumn: "upn,A"}, "ada@fabrikam.com|1,2"},
		{"sep=,\nUPN:a\nada@fabrikam.com:1\n", Options{Delimiter: ':'}, "ada@fabrikam.com|1"},
		{"UPN,Mail\nx@fabrikam.com,y@fabrikam.com\n", Options{UPNColumn: " mail"}, "x@fabrikam.com|y@fabrikam.com"},
		{"mail,Mail\nx@fabrikam.com,y@fabrikam.com\n", Options{UPNColumn: "Mail"}, "x@fabrikam.com|y@fabrikam.com"},
	}
	for _, tt := range tests {
		r, err := surveyed(Open("-", strings.NewReader(tt.text), tt.o))
		if err != nil {
			t.Errorf("Open(%q, %+v): %v", tt.text, tt.o, err)
			continue
		}
		rows := readAll(t, r)
		if got := strings.Join(rows[0].Cells, "|"); len(rows) != 1 || got != tt.want {
			t.Errorf("Open(%q, %+v) has %q; want %q", tt.text, tt.o, got, tt.want)
		}
		r.Close()
	}
	if _, err := Open("-", strings.NewReader("UPN\na@b.c\xff"), Options{Encoding: "utf-8"}); err == nil || !strings.Contains(err.Error(), "line 2, column 6: byte 0xFF is not UTF-8") {
		t.Errorf("a byte that is not UTF-8, with UTF-8 asked for: %v", err)
	}
}

func TestColumn(t *testing.T) {
	r := openText(t, "UserPrincipalName, City ,STATE,State,Zip,ZIP,Zip\nada@fabrikam.com,,,,,,\n", Options{})
	for name, want := range map[string]int{"city": 1, " City": 1, "STATE": 2, "State": 3, "ZIP": 5} {
		if got, err := r.Column(name); err != nil || got != want {
			t.Errorf("Column(%q) = %d, %v; want %d", name, got, err, want)
		}
	}
	for name, want := range map[string]string{
		"state": `line 1: columns 3 and 4 are called "STATE" and "State"`,
		"Zip":   `line 1: columns 5 and 7 are called "Zip" and "Zip"`,
		"Ctiy":  `did you mean "City"?`,
		"zzz":   `no column "zzz" among "UserPrincipalName", "City", "STATE", "State", "Zip", "ZIP", "Zip"`,
	} {
		if got, err := r.Column(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Column(%q) = %d, %v; want %s", name, got, err, want)
		}
	}
}

// What is found of the header of a roster that has not been surveyed is there for
// who says what its rows want.
func TestHeaderComesBeforeSurvey(t *testing.T) {
	r, err := Open(write(t, "UPN,Mode\na@b.cd,1\nb@b.cd,2\na@b.cd,1\nb@b.cd,3\n"), nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	mode, err := r.Column("mode")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Survey(func(row *Row) (string, error) { return row.Cells[mode], nil }); err != nil {
		t.Fatal(err)
	}
	if d := r.Description(); d.Users != 1 || d.Duplicates != 1 || d.Conflicts != 2 {
		t.Errorf("got %s", d)
	}
}

func TestDescriptionString(t *testing.T) {
	text := "UserPrincipalName\nada@fabrikam.com\ngrace@fabrikam.com\nalan@fabrikam.com\n"
	want := `UTF-8, comma, UPN column "UserPrincipalName", 3 rows: 3 users, 0 duplicates, 0 rejected`
	if got := openText(t, text, Options{}).Description().String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	d := Description{1, 1, 1, 1, 2, 6, 3, "utf-16le", "\t", "", "UPN", nil, nil, nil, map[string]int{"same": 3}}
	want = `UTF-16 LE, TAB, UPN column "UPN", 6 rows: 1 user, 1 duplicate, 1 rejected, 2 conflicts, 1 example; 3 rows passed over (3 same)`
	if got := d.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDescriptionJSON(t *testing.T) {
	d := openText(t, "UPN\nada@fabrikam.com\nx\n", Options{}).Description()
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"users":1,"duplicates":0,"rejected":1,"examples":0,"conflicts":0,"rows":2,"encoding":"utf-8","delimiter":",","upn_column":"UPN","warnings":[],"rejections":[{"line":3,"upn":"x","reason":"has no domain"}],"conflicting":[]}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

func TestWarnings(t *testing.T) {
	deleted := strings.Repeat("0a", 16)
	text := "UPN,n\n" + deleted + "a@b.cd,1\na@b.cd,1, ,\nb@b.cd,1,2\nc@b.cd,1,2\nd@b.cd\n" + deleted + "@b.cd,M\xfcnchen\n"
	got := openText(t, text, Options{}).Description().Warnings
	want := []string{
		"line 7, column 40 is not UTF-8, so the file was read as Windows-1252: check that names are spelt right, or name its encoding",
		"line 6: 1 row has fewer cells than the header",
		"line 4 and others: 2 rows have more cells than the header: the extra cells are left out",
		"line 2: 1 row has a UPN that begins with an object ID, as those of deleted users do",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRejectionsAreBounded(t *testing.T) {
	d := openText(t, "UPN\nada@fabrikam.com\n"+strings.Repeat(strings.Repeat("x", 5000)+"\n", 50), Options{}).Description()
	if len(d.Rejections) != mostRejections || d.Rejected != 50 || len(d.Rejections[0].UPN) > 210 {
		t.Errorf("%d of %d rejections kept, the first of %d bytes", len(d.Rejections), d.Rejected, len(d.Rejections[0].UPN))
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none.csv"), nil, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := Open(dir, nil, Options{}); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
	boom := errors.New("boom")
	_, err := Open("-", io.MultiReader(strings.NewReader("UPN\na@b.cd\n"), errorReader{boom}), Options{})
	if !errors.Is(err, boom) || !strings.HasPrefix(err.Error(), "read standard input: ") {
		t.Errorf("standard input that breaks off: %v", err)
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }
