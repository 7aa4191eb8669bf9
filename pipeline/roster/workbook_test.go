package roster

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// workbook returns a workbook with the given sheets, a row of cells each.
func workbook(t testing.TB, change func(*excelize.File), sheets ...[][]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, rows := range sheets {
		name := fmt.Sprintf("Sheet%d", i+1)
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for i, cells := range rows {
			if err := f.SetSheetRow(name, fmt.Sprintf("A%d", i+1), &cells); err != nil {
				t.Fatal(err)
			}
		}
	}
	if change != nil {
		change(f)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A workbook is the roster that a CSV with the same rows is: the same lines, users,
// verdicts and digest, from a file and from standard input, whatever its cells hold.
func TestWorkbookIsARoster(t *testing.T) {
	text := workbook(t, nil, [][]any{
		nil,
		{"Name", "User Principal\nName", "Code"},
		{"Ada, \"the\" first", "ada@contoso.com", "0123"},
		nil,
		{"Bob\nof two lines\r\nor three", " bob@contoso.com ", 42},
		{"", "ADA@contoso.com", "0123"},
		{nil, nil, nil},
		{"Eve", "mallory"},
		{"Cyd", "cyd@contoso.com", "=1+1", "and more"},
	})
	name := filepath.Join(t.TempDir(), "users.xlsx")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{UPNColumn: "User Principal\nName", Encoding: "utf-16le", Delimiter: ';'}
	file, err := Open(name, nil, o)
	if err == nil {
		err = file.Survey(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stdin, err := Open("-", bytes.NewReader(text), o)
	if err == nil {
		err = stdin.Survey(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	csv := openText(t, ",,\n"+`Name,UPN,Code
"Ada, ""the"" first",ada@contoso.com,0123

Bob, bob@contoso.com ,42
,ADA@contoso.com,0123
,,
Eve,mallory,
Cyd,cyd@contoso.com,=1+1,and more
`, Options{})
	for _, r := range []*Roster{file, stdin} {
		got, want := r.Description(), csv.Description()
		if got.Encoding != "xlsx" || got.Delimiter != "" || got.Sheet != "Sheet1" {
			t.Errorf("%s: %+v", r.Name(), got)
		}
		got.Encoding, got.Delimiter, got.Sheet, got.UPNColumn = want.Encoding, want.Delimiter, "", want.UPNColumn
		if !reflect.DeepEqual(got, want) || r.Digest() != csv.Digest() {
			t.Errorf("%s: %+v\nwant %+v", r.Name(), got, want)
		}
		rows := readAll(t, r)
		if rows[1].Line != 5 || rows[1].Cells[0] != "Bob\nof two lines\r\nor three" || rows[0].Cells[2] != "0123" || rows[4].Cells[2] != "=1+1" {
			t.Errorf("%s: %+v", r.Name(), rows)
		}
		if sum, err := r.SHA256(); err != nil || sum != fmt.Sprintf("%x", sha256.Sum256(text)) {
			t.Errorf("%s: SHA-256 %s, %v", r.Name(), sum, err)
		}
	}
	if got, want := file.Description().String(), `Excel workbook, sheet "Sheet1", UPN column "User Principal\nName", 5 rows: 3 users, 1 duplicate, 1 rejected`; got != want {
		t.Errorf("described as %s", got)
	}
}

// Which sheet is read is said, and what a person who looks at it would not think of.
func TestSheets(t *testing.T) {
	users := [][]any{{"UPN", "Dept"}, {"ada@contoso.com", "HR"}, {"bob@contoso.com", ""}, {"cyd@contoso.com", "IT"}}
	text := workbook(t, func(f *excelize.File) {
		f.SetActiveSheet(1) // which can't be hidden
		f.SetSheetVisible("Sheet1", false)
		f.SetRowVisible("Sheet2", 3, false)
		f.SetRowVisible("Sheet2", 4, false)
		f.SetRowVisible("Sheet2", 9, false)
		f.MergeCell("Sheet2", "B2", "B3")
	}, [][]any{{"no users"}}, users, users)
	name := filepath.Join(t.TempDir(), "users.xlsx")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ sheet, read, warnings string }{
		{"", "Sheet2", `sheet "Sheet2" is read, and none of the others: "Sheet1", "Sheet3"` +
			"\nline 3 and others: 2 rows are hidden in the sheet, by a filter perhaps, and read like the others" +
			"\n1 merged area in the sheet: only the first of the cells has what is seen there"},
		{"sheet3", "Sheet3", ""},
	} {
		r, err := Open(name, nil, Options{Sheet: test.sheet})
		if err == nil {
			err = r.Survey(nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		d := r.Description()
		r.Close()
		if got := strings.Join(d.Warnings, "\n"); d.Sheet != test.read || d.Users != 3 || !strings.HasPrefix(got, test.warnings) || test.warnings == "" && got != "" {
			t.Errorf("sheet %q: read %q, warned\n%s", test.sheet, d.Sheet, got)
		}
	}
	_, err := Open(name, nil, Options{Sheet: "Users"})
	if err == nil || !strings.Contains(err.Error(), `there is no sheet "Users" in the workbook: there is "Sheet1", "Sheet2", "Sheet3"`) {
		t.Errorf("no such sheet: %v", err)
	}
	for _, test := range []struct {
		first [][]any
		want  string
	}{
		{nil, `sheet "Sheet1" is empty; there is also "Sheet2"`},
		{[][]any{{"Report of users"}, {"Mail", "Dept"}, {"ada@contoso.com", "HR"}}, `the first row has to have the names of the columns, one of them UserPrincipalName: it has only "Report of users"`},
	} {
		_, err := Open(write(t, string(workbook(t, nil, test.first, users))), nil, Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error %v, want %s", test.first, err, test.want)
		}
	}
	for text, want := range map[string]string{
		"Report,,\nUPN,Dept,X\nada@contoso.com,a,b\n":  `it has only "Report"`,
		"All users\n\nName;UPN\nAda;ada@contoso.com\n": `it has only "All users"`,
		"Mail\nada@contoso.com\n":                      `has "Mail" the UPNs?`,
	} {
		if _, err := Open(write(t, text), nil, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
	if _, err := Open(write(t, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), nil, Options{}); err == nil || !strings.Contains(err.Error(), "an old Excel workbook (.xls), or one with a password") {
		t.Errorf("an old workbook: %v", err)
	}
	if _, err := Open(write(t, "UPN\nada@contoso.com\n"), nil, Options{Sheet: "Users"}); err == nil || !strings.Contains(err.Error(), "not an Excel workbook") {
		t.Errorf("a sheet of a CSV file: %v", err)
	}
}

// To read a workbook ends at once when it is to, from the beginning or midway, and with
// the error that says so.
func TestWorkbookInterrupt(t *testing.T) {
	rows := [][]any{{"UPN", "Note"}}
	for i := range 20_000 {
		rows = append(rows, []any{fmt.Sprintf("user%d@contoso.com", i), fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, i)))})
	}
	text := workbook(t, nil, rows)
	stop := errors.New("stop")
	asked := 0
	if _, err := Open("-", bytes.NewReader(text), Options{Interrupt: func() error { asked++; return nil }}); err != nil || asked < 100 {
		t.Fatalf("asked %d times, error %v", asked, err)
	}
	for _, after := range []int{0, 1, asked / 2, asked - 1} {
		n := 0
		_, err := Open("-", bytes.NewReader(text), Options{Interrupt: func() error {
			if n++; n > after {
				return stop
			}
			return nil
		}})
		if !errors.Is(err, stop) || n > after+3 {
			t.Errorf("after %d of %d: error %v, asked %d times", after, asked, err, n)
		}
	}
}

// A sheet takes little memory, however much there is in its rows.
func TestWorkbookMemory(t *testing.T) {
	const n, size = 20_000, 2000
	name := filepath.Join(t.TempDir(), "users.xlsx")
	func() {
		f := excelize.NewFile()
		defer f.Close()
		w, err := f.NewStreamWriter("Sheet1")
		for i := 0; err == nil && i < n; i++ {
			row := []any{fmt.Sprintf("user%d@contoso.com", i), strings.Repeat("x", size)}
			if i == 0 {
				row = []any{"UPN", "Note"}
			}
			err = w.SetRow(fmt.Sprintf("A%d", i+1), row)
		}
		if err == nil {
			err = w.Flush()
		}
		if err == nil {
			err = f.SaveAs(name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}()
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	heap := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	runtime.GC()
	before, most := heap(), int64(0)
	done, over := make(chan bool), make(chan bool)
	go func() {
		defer close(over)
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-tick.C:
				most = max(most, heap())
			case <-done:
				tick.Stop()
				return
			}
		}
	}()
	r, err := Open(name, nil, Options{})
	if err == nil {
		defer r.Close()
		err = r.Survey(nil)
	}
	close(done)
	<-over
	if err != nil || r.Description().Users != n-1 {
		t.Fatalf("%v", err)
	}
	if grown := most - before; grown > 10<<20 {
		t.Errorf("%d MB of heap more for %d MB of text", grown>>20, n*size>>20)
	}
}
