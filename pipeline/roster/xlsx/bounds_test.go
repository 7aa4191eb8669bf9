package xlsx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// An interrupt ends the reading of a workbook that is little in the file and much to
// read, be it in its styles, its texts or its sheet, in rows or in what is no row.
func TestInterrupt(t *testing.T) {
	stop := errors.New("stop")
	for name, text := range map[string][]byte{
		"rows":     parts(t, strings.Repeat("<row/>", 500_000), nil),
		"unknown":  parts(t, strings.Repeat("<a/>", 500_000), nil),
		"in a row": parts(t, "<row>"+strings.Repeat("<a/>", 500_000)+"</row>", nil),
		"styles":   parts(t, "", map[string]string{"xl/styles.xml": "<a>" + strings.Repeat("<a/>", 500_000) + "</a>"}),
		"texts":    parts(t, "", map[string]string{"xl/sharedStrings.xml": "<sst>" + strings.Repeat("<si/>", 500_000) + "</sst>"}),
	} {
		asked := 0
		read := func(after int) (rows int, err error) {
			asked = 0
			b, err := Open(bytes.NewReader(text), int64(len(text)), func() error {
				if asked++; asked > after {
					return stop
				}
				return nil
			})
			if err != nil {
				return 0, err
			}
			defer b.Close()
			r, err := b.Rows(b.Sheets[0])
			if err != nil {
				return 0, err
			}
			defer r.Close()
			for ; err == nil; rows++ {
				err = r.Next()
			}
			return rows, err
		}
		if _, err := read(1 << 30); err != io.EOF {
			t.Fatalf("%s: %v", name, err)
		}
		all := asked
		if rows, err := read(all / 2); all < 400 || !errors.Is(err, stop) || rows > 450_000 || asked > all/2+3 {
			t.Errorf("%s: error %v after %d rows, asked %d times, %d when read to the end", name, err, rows, asked, all)
		}
	}
}

// A sheet may have as many rows as Excel's, and no more, whether or not they are numbered.
func TestRowsAreBounded(t *testing.T) {
	for _, last := range []string{`<row r="1048576"/>`, `<row r="1048575"/><row/>`} {
		rows, err := read(parts(t, last, nil))
		if _, ok := rows[maxRows]; err != nil || !ok {
			t.Errorf("%s: %v, %v", last, rows, err)
		}
		if _, err := read(parts(t, last+"<row/>", nil)); err == nil || !strings.Contains(err.Error(), "xl/worksheets/sheet1.xml is damaged: there are more than 1048576 rows") {
			t.Errorf("a row behind %s: error %v", last, err)
		}
	}
}

// A sheet of much XML that takes next to nothing in the file is refused, unless it is
// rows of cells, even if they are all the same. It may not say of itself that it is as
// large in the file as it likes.
func TestRatioIsBounded(t *testing.T) {
	const size = ratioFrom + 1<<20
	for _, test := range []struct {
		piece  string
		packed uint32 // what is said of the size in the file, if that is not so
		want   string
	}{
		{"<a/>", 0, "xl/worksheets/sheet1.xml has 51 MB, packed into "},
		{"<row/>", 0, "this is not a workbook of users"},
		{"<row/>", ratioFrom, "this is not a workbook of users"},
		{`<row><c t="inlineStr"><is><t>Sales</t></is></c><c t="inlineStr"><is><t>Active</t></is></c><c t="inlineStr"><is><t>Berlin, Germany</t></is></c></row>`, 0, ""},
	} {
		text := parts(t, strings.Repeat(test.piece, size/len(test.piece)), nil)
		if test.packed > 0 {
			entry := bytes.LastIndex(text, []byte("xl/worksheets/sheet1.xml")) - 46
			binary.LittleEndian.PutUint32(text[entry+20:], test.packed)
		}
		b, err := Open(bytes.NewReader(text), int64(len(text)), func() error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		rows, err := b.Rows(b.Sheets[0])
		if err == nil {
			rows.Close()
		}
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%d KB of %s: error %v, want %q", len(text)>>10, test.piece, err, test.want)
		}
		b.Close()
	}
}
