package xlsx

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// read returns the rows of the first sheet of a workbook, by number.
func read(text []byte) (map[int][]string, error) {
	b, err := Open(bytes.NewReader(text), int64(len(text)), func() error { return nil })
	if err != nil {
		return nil, err
	}
	defer b.Close()
	rows, err := b.Rows(b.Sheets[0])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := make(map[int][]string)
	for {
		err := rows.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all[rows.Number] = slices.Clone(rows.Cells)
	}
}

// A text is what was typed, and a number is what its format shows; a text that looks
// like a date or a number is left alone.
func TestCellsAreAsExcelShowsThem(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	for _, test := range []struct {
		value  any
		format any // a code, the number of a built-in one, or nil
		want   string
	}{
		{"0123", nil, "0123"},
		{"1-2", nil, "1-2"},
		{"2026-03-01", 14, "2026-03-01"},
		{"12E5", nil, "12E5"},
		{"=HQ", nil, "=HQ"},
		{" a\r\nb \"c\"", nil, " a\r\nb \"c\""},
		{"Zoë <&> 日本", nil, "Zoë <&> 日本"},
		{true, nil, "TRUE"},
		{false, nil, "FALSE"},
		{42, nil, "42"},
		{42, "00000", "00042"},
		{123, 49, "123"},
		{491701234567, nil, "491701234567"},
		{0.1 + 0.2, nil, "0.3"},
		{1e-12, nil, "1E-12"},
		{1.5, "0.00", "1.50"},
		{12345.678, 11, "12345.678"},
		{0.5, 12, "0.5"},
		{0.5, "# ?/?", "0.5"},
		{0.25, 9, "25%"},
		{1234.5, "_-* #,##0.00_-", "1,234.50"},
		{7, `"UK "000`, "UK 007"},
		{5, `0" days"`, "5 days"},
		{7, `\""2026-é;#/5% "000`, `"2026-é;#/5% 007`},
		{noon, 14, "2026-03-01"},
		{noon, 16, "1-Mar"},
		{noon, 20, "12:30"},
		{1.5, "[h]:mm", "36:00"},
		{-1, 14, "########"},
		{3e6, 14, "########"},
		{noon, 22, "2026-03-01 12:30"},
		{noon, 30, "2026-03-01"},
		{noon, "dd.mm.yyyy", "01.03.2026"},
		{noon, "[$-407]d. mmmm yyyy;@", "1. März 2026"},
		{noon, `"Q1 2026: "d" de "mmmm" de "yyyy`, "Q1 2026: 1 de March de 2026"},
		{noon, "yyyy/mm/dd hh:mm:ss", "2026/03/01 12:30:00"},
	} {
		f := excelize.NewFile()
		style := &excelize.Style{}
		switch format := test.format.(type) {
		case int:
			style.NumFmt = format
		case string:
			style.CustomNumFmt = &format
		}
		id, err := f.NewStyle(style)
		if err == nil {
			err = f.SetCellValue("Sheet1", "B2", test.value)
		}
		if err == nil && (test.format != nil || test.value != any(nil)) {
			err = f.SetCellStyle("Sheet1", "B2", "B2", id)
		}
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		rows, err := read(b.Bytes())
		if err != nil || !slices.Equal(rows[2], []string{"", test.want}) {
			t.Errorf("%v as %v: %q, want %q; %v", test.value, test.format, rows[2], test.want, err)
		}
	}
}

const (
	relsXML     = `<Relationships><Relationship Id="r1" Type="http://x/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	bookXML     = `<workbook><workbookPr date1904="1"/><sheets><sheet name="A" sheetId="1" id="r1"/></sheets></workbook>`
	bookRelsXML = `<Relationships><Relationship Id="r1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="r2" Type="http://x/sharedStrings" Target="/xl/sharedStrings.xml"/><Relationship Id="r3" Type="http://x/styles" Target="styles.xml"/></Relationships>`
	stringsXML = `<sst><si><t>UPN</t></si><si><r><t>a</t></r><r><t xml:space="preserve"> b</t></r><rPh><t>no</t></rPh></si></sst>`
	stylesXML  = `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/></numFmts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>` +
		`<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>`
)

// parts returns a workbook with one sheet, whose rows are given; and with other parts
// than usual.
func parts(t testing.TB, rows string, other map[string]string) []byte {
	t.Helper()
	all := map[string]string{
		"_rels/.rels": relsXML, "xl/workbook.xml": bookXML, "xl/_rels/workbook.xml.rels": bookRelsXML, "xl/sharedStrings.xml": stringsXML,
		"xl/styles.xml": stylesXML, "xl/worksheets/sheet1.xml": "<?xml version=\"1.0\"?>\n<worksheet><sheetData>" + rows + "</sheetData></worksheet>",
	}
	for name, text := range other {
		all[name] = text
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range all {
		if text == "" {
			continue
		}
		part, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Cells are found by their names and, without, by their order; texts that are shared,
// formatted in parts, and of formulas are read, and days may count from 1904.
func TestCells(t *testing.T) {
	rows, err := read(parts(t, `<row r="3"><c r="B3" t="s"><v>0</v></c><c t="s"><v>1</v></c></row><row><c t="inlineStr"><is><t>x_x0041__x005F_x0041__x0000_</t></is></c>`+
		`<c r="D4" t="str"><f>A1</f><v>y</v></c><c><v/></c><c t="str"><f>A2</f><v></v></c><c t="e"><v>#N/A</v></c></row><row r="9"><c s="1"><v>1</v></c><c t="d"><v>2026-01-02</v></c></row>`+
		`</sheetData><controls><control><anchor><row>3</row></anchor></control></controls><sheetData>`, nil))
	if err != nil {
		t.Fatal(err)
	}
	for row, want := range map[int]string{3: "|UPN|a b", 4: "xA_x0041__x0000_|||y|||#N/A", 9: "1904-01-02|2026-01-02"} {
		if got := strings.Join(rows[row], "|"); got != want {
			t.Errorf("row %d: %q, want %q", row, got, want)
		}
	}
}

// What is damaged, or not certain, or built to be costly is an error that says where.
func TestHostile(t *testing.T) {
	row := func(cell string) string { return `<row r="1">` + cell + `</row>` }
	for name, test := range map[string]struct {
		rows  string
		other map[string]string
		want  string
	}{
		"formula without a value":        {row(`<c r="C1"><f>1+1</f></c>`), nil, "cell C1: a formula whose value is not in the file"},
		"formula with an empty value":    {row(`<c r="AA1"><f>1+1</f><v></v></c>`), nil, "cell AA1: a formula whose value"},
		"text that there is not":         {row(`<c t="s"><v>2</v></c>`), nil, `cell A1: there is no text "2"`},
		"text below all":                 {row(`<c t="s"><v>-1</v></c>`), nil, `no text "-1"`},
		"no texts":                       {row(`<c t="s"><v>0</v></c>`), map[string]string{"xl/sharedStrings.xml": ""}, `no text "0"`},
		"style that there is not":        {row(`<c s="2"><v>1</v></c>`), nil, `no style "2"`},
		"no number":                      {row(`<c><v>NaN</v></c>`), nil, `"NaN" is not a number`},
		"unknown kind":                   {row(`<c t="z"><v>1</v></c>`), nil, "unknown kind"},
		"rows out of order":              {`<row r="2"/><row r="2"/>`, nil, `row "2" after row 2`},
		"row without end":                {`<row r="1048577"/>`, nil, `row "1048577"`},
		"cells out of order":             {row(`<c r="B1"><v>1</v></c><c r="A1"><v>1</v></c>`), nil, `cell "A1" in row 1`},
		"cell of another row":            {row(`<c r="B2"><v>1</v></c>`), nil, `cell "B2" in row 1`},
		"column without end":             {row(`<c r="XFE1"><v>1</v></c>`), nil, `cell "XFE1"`},
		"name that overflows":            {row(`<c r="` + strings.Repeat("Z", 99) + `1"><v>1</v></c>`), nil, "in row 1"},
		"cut short":                      {`<row r="1"><c>`, map[string]string{"xl/worksheets/sheet1.xml": `<worksheet><sheetData><row r="1"><c><v>1`}, "damaged"},
		"cut short between rows":         {"", map[string]string{"xl/worksheets/sheet1.xml": `<worksheet><sheetData><row r="1"></row>`}, "damaged"},
		"texts cut short":                {"", map[string]string{"xl/sharedStrings.xml": `<sst><si><t>a</t>`}, "xl/sharedstrings.xml is damaged"},
		"declarations":                   {row(`<c><v>1</v></c><!-- x -->`), nil, "as Excel does not write it"},
		"entities":                       {"", map[string]string{"xl/worksheets/sheet1.xml": `<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet/>`}, "as Excel does not write it"},
		"instruction inside":             {`<?x ?>`, nil, "as Excel does not write it"},
		"instruction without end":        {"", map[string]string{"xl/worksheets/sheet1.xml": `<?xml <<<<>`}, "as Excel does not write it"},
		"elements too deep":              {strings.Repeat("<a>", 1000), nil, "too deep"},
		"text without end":               {row(`<c t="str"><v>` + strings.Repeat("x", 2<<20) + `</v></c>`), nil, "for too long"},
		"text without end, in parts":     {row(`<c t="inlineStr"><is>` + strings.Repeat("<r><t>xxxxxxxxxxxx</t></r>", 99<<10) + `</is></c>`), nil, "text without end"},
		"row of too much":                {row(strings.Repeat(`<c t="str"><v>`+strings.Repeat("x", 1<<10)+`</v></c>`, 600)), nil, "row 1 has more than 512 KiB"},
		"part of too much":               {"", map[string]string{"xl/styles.xml": strings.Repeat(" ", maxPart+1)}, "this is not a workbook of users"},
		"too many styles":                {"", map[string]string{"xl/styles.xml": "<a><cellXfs>" + strings.Repeat("<xf/>", maxStyles+1) + "</cellXfs></a>"}, "xl/styles.xml has more than 65490 styles"},
		"sheet that is not there":        {"", map[string]string{"xl/worksheets/sheet1.xml": ""}, `sheet "A" is not in the file`},
		"no sheet":                       {"", map[string]string{"xl/workbook.xml": "<workbook/>"}, "no sheet with cells"},
		"a zip file of something else":   {"", map[string]string{"_rels/.rels": ""}, "not an Excel workbook"},
		"a binary workbook":              {"", map[string]string{"_rels/.rels": strings.Replace(relsXML, ".xml", ".bin", 1)}, ".xlsb"},
		"an OpenDocument spreadsheet":    {"", map[string]string{"_rels/.rels": "", "mimetype": "x", "content.xml": "x"}, ".ods"},
		"a date that can't be read":      {row(`<c s="1"><v>1</v></c>`), map[string]string{"xl/styles.xml": strings.Replace(stylesXML, `yyyy\-mm\-dd`, `[$-zz]ddd`, 1)}, "date in a format that can't be read"},
		"relations that are no XML":      {"", map[string]string{"_rels/.rels": "<a"}, "_rels/.rels is damaged"},
		"text in another character set":  {"", map[string]string{"xl/sharedStrings.xml": "<?xml version=\"1.0\" encoding=\"UTF-16\"?><sst/>"}, "damaged"},
		"text that is not in any at all": {row("<c t=\"str\"><v>\xff</v></c>"), nil, "damaged"},
	} {
		_, err := read(parts(t, test.rows, test.other))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
	if _, err := read([]byte("PK\x03\x04 and so on")); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("no zip file: %v", err)
	}
}

// A zip file whose directory is larger than any workbook's is not read to its end.
func TestDirectoryIsBounded(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range 100_000 {
		if _, err := w.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("%060d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	if _, err := read(b.Bytes()); err == nil || !strings.Contains(err.Error(), "directory without end") {
		t.Errorf("error %v", err)
	}
}

// No sheet, texts or styles make the reader crash, and what it reads is in order.
func FuzzRead(f *testing.F) {
	f.Add(`<row r="1"><c r="A1" t="s"><v>1</v></c><c s="1"><v>4.5</v></c></row>`, stringsXML, stylesXML)
	f.Add(`<row r="2" hidden="1"><c t="inlineStr"><is><t>x</t></is></c></row>`, `<sst/>`, `<a><numFmt numFmtId="1" formatCode="[h]:mm;@"/></a>`)
	f.Fuzz(func(t *testing.T, rows, texts, styles string) {
		read(parts(t, rows, map[string]string{"xl/sharedStrings.xml": texts, "xl/styles.xml": styles}))
	})
}
