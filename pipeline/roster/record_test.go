package roster

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// cut returns the records of text with the lines they start on, read with a
// buffer of ahead bytes to begin with.
func cut(t testing.TB, text string, delimiter byte, ahead int) (records [][]string, lines []int, err error) {
	t.Helper()
	src, err := spool("text", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	r := newRecords(src, delimiter, ahead)
	for {
		if err := r.next(); err == io.EOF {
			return records, lines, nil
		} else if err != nil {
			return records, lines, err
		}
		var cells []string
		for _, c := range r.cells {
			cells = append(cells, string(r.data[c.start:c.end]))
		}
		records, lines = append(records, cells), append(lines, r.start)
	}
}

func TestRecords(t *testing.T) {
	tests := []struct {
		text  string
		want  string // cells in brackets
		lines []int
	}{
		{"", "", nil},
		{"\n", "[]", []int{1}},
		{"a,b\nc,d", "[a][b] [c][d]", []int{1, 2}},
		{"a,b\r\nc,d\r\n", "[a][b] [c][d]", []int{1, 2}},
		{"a,b\rc,d\r", "[a][b] [c][d]", []int{1, 2}},
		{"a\r\r\nb\n\rc", "[a] [] [b] [] [c]", []int{1, 2, 3, 4, 5}},
		{",\n,", "[][] [][]", []int{1, 2}},
		{"a,", "[a][]", []int{1}},
		{" a , b\t", "[ a ][ b\t]", []int{1}},
		{`"a,b",c`, "[a,b][c]", []int{1}},
		{`"a""b"`, `[a"b]`, []int{1}},
		{`"""a"""`, `["a"]`, []int{1}},
		{`"",""""`, `[]["]`, []int{1}},
		{`a"b,c"d`, `[a"b][c"d]`, []int{1}},
		{`a"b,"c,d"`, `[a"b][c,d]`, []int{1}},
		{" \t\"a\" \t,b", "[a][b]", []int{1}},
		{`"a" b ,c`, `[a b ][c]`, []int{1}},
		{`"a"b"c,d`, `[ab"c][d]`, []int{1}},
		{`"a""b" c,d`, `[a"b c][d]`, []int{1}},
		{"\"a\nb\",c\nd", "[a\nb][c] [d]", []int{1, 3}},
		{"\"a\r\nb\rc\nd\"\r\ne", "[a\r\nb\rc\nd] [e]", []int{1, 5}},
		{"\"a\"\rb", "[a] [b]", []int{1, 2}},
		{"\"a\r\",\"\nb\"\nc", "[a\r][\nb] [c]", []int{1, 4}},
	}
	for _, tt := range tests {
		for _, ahead := range []int{1, 2, 3, 1000} {
			records, lines, err := cut(t, tt.text, ',', ahead)
			var got []string
			for _, r := range records {
				got = append(got, "["+strings.Join(r, "][")+"]")
			}
			if err != nil || strings.Join(got, " ") != tt.want || !slices.Equal(lines, tt.lines) {
				t.Errorf("%q, %d at a time: %q on lines %d, %v; want %q on %d", tt.text, ahead, strings.Join(got, " "), lines, err, tt.want, tt.lines)
			}
		}
	}
}

func TestRecordErrors(t *testing.T) {
	long := strings.Repeat("x", maxRecord)
	tests := []struct{ name, text, want string }{
		{"at the end", "a\nb,\"c\nd", "line 2, column 3: a quote is opened here and not closed: close it, or take it out"},
		{"columns are characters", "é\"é\",\n  äö, \"c", "line 2, column 7: a quote"},
		{"behind a quoted line end", "\"a\r\nbé\",\"", "line 2, column 5: a quote"},
		{"far off", "a\n\"b" + long, "line 2, column 1: a quote is opened here and not closed within 1024 KiB"},
		{"closed far off", "a\n\"b" + long + "\"\n", "line 2, column 1: a quote is opened here and not closed within 1024 KiB"},
		{"second quote", "\"a\"," + long[:maxRecord-8] + ",\"b\nc\n" + long, "line 1, column 1048574: a quote"},
		{"no quote", "a\n" + long + "\nb", "line 2: a record of more than 1024 KiB"},
	}
	for _, tt := range tests {
		_, _, err := cut(t, tt.text, ',', 100)
		if e, ok := errors.AsType[*Error](err); !ok || !strings.HasPrefix(e.Error(), "read text: "+tt.want) {
			t.Errorf("%s: %v; want %s", tt.name, err, tt.want)
		}
	}
	if _, _, err := cut(t, "a\n"+long[:maxRecord-1]+"\nb", ',', 100); err != nil {
		t.Errorf("the longest record: %v", err)
	}
}

// Whatever cells a CSV writer writes, in whatever dialect, are the cells that
// are read, byte for byte, on the lines where they are.
func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "Zoë", " ", ",", ";", "\t", "|", "\"", "\"\"", "\n", "=1+1", "007", "€", "'", "x y", "\v", "\ufeff"}
	for range 500 {
		for _, delimiter := range delimiters {
			header := []string{"UserPrincipalName", "n", "some, \"header\"; with\tall|"}
			table := [][]string{header}
			for i := range 1 + rnd.IntN(6) {
				row := []string{fmt.Sprintf("user%d@fabrikam.com", i)}
				for range len(header) - 1 {
					var cell strings.Builder
					for range rnd.IntN(5) {
						cell.WriteString(pieces[rnd.IntN(len(pieces))])
					}
					row = append(row, cell.String())
				}
				table = append(table, row)
			}
			var b strings.Builder
			w := csv.NewWriter(&b)
			w.Comma = delimiter
			w.UseCRLF = rnd.IntN(2) == 0
			if err := w.WriteAll(table); err != nil {
				t.Fatal(err)
			}
			r, err := surveyed(Open("-", strings.NewReader(b.String()), Options{Delimiter: delimiter}))
			if err != nil {
				t.Fatalf("%q: %v", b.String(), err)
			}
			if !slices.Equal(r.Header(), header) {
				t.Fatalf("%q: header %q", b.String(), r.Header())
			}
			rows := readAll(t, r)
			if len(rows) != len(table)-1 {
				t.Fatalf("%q: %d rows; want %d", b.String(), len(rows), len(table)-1)
			}
			line := 2
			for i, row := range rows {
				want := slices.Clone(table[i+1])
				if w.UseCRLF { // which the writer makes of LF in cells too
					for j := range want {
						want[j] = strings.ReplaceAll(want[j], "\n", "\r\n")
					}
				}
				if !slices.Equal(row.Cells, want) || row.Line != line {
					t.Fatalf("%q: line %d has %q; want line %d with %q", b.String(), row.Line, row.Cells, line, want)
				}
				line += 1 + strings.Count(strings.Join(want, ""), "\n")
			}
			r.Close()
		}
	}
}

// The place that an error names is where an editor shows the character.
func TestPlace(t *testing.T) {
	// A block ends between a CR and its LF.
	text := "x" + strings.Repeat("é\r\n", readAhead) + "ab\rc\n\ndé"
	src, err := spool("text", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	n := int64(4 * readAhead)
	for _, tt := range []struct {
		offset       int64
		line, column int
	}{
		{0, 1, 1}, {1, 1, 2}, {3, 1, 3}, {5, 2, 1}, {readAhead + 1, readAhead/4 + 1, 1},
		{n + 1, readAhead + 1, 1}, {n + 2, readAhead + 1, 2}, {n + 4, readAhead + 2, 1}, {n + 6, readAhead + 3, 1}, {n + 7, readAhead + 4, 1}, {n + 8, readAhead + 4, 2},
	} {
		if line, column := src.place(tt.offset); line != tt.line || column != tt.column {
			t.Errorf("place(%d) = %d, %d; want %d, %d", tt.offset, line, column, tt.line, tt.column)
		}
	}
}

// A record can be read again, though taking out its quotes changed the buffer.
func TestSeekBack(t *testing.T) {
	src, err := spool("text", strings.NewReader("a,b\n\"c\"\"d\",e\nf\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	r := newRecords(src, ',', 100)
	for range 3 {
		for _, want := range []string{"a", "c\"d", "f"} {
			if err := r.next(); err != nil {
				t.Fatal(err)
			}
			if got := string(r.data[r.cells[0].start:r.cells[0].end]); got != want {
				t.Errorf("line %d begins with %q; want %q", r.start, got, want)
			}
		}
		r.seek(0, 1)
	}
}
