package xlsx

import (
	"fmt"
	"strings"
	"testing"
)

// A format code is read if Excel could have written it, and refused if it is longer.
func TestFormatCodeIsBounded(t *testing.T) {
	for _, test := range []struct {
		code, want string
	}{
		{strings.Repeat("é", maxCode-4) + "yyyy", ""},
		{strings.Repeat("é", maxCode-3) + "yyyy", "xl/styles.xml is damaged: a number format has 256 characters, more than 255"},
		{strings.Repeat("[Red]", 60_000) + "yyyy", "a number format has 300004 characters"},
	} {
		other := map[string]string{"xl/styles.xml": strings.Replace(stylesXML, `yyyy\-mm\-dd`, test.code, 1)}
		rows, err := read(parts(t, `<row><c s="1"><v>1</v></c></row>`, other))
		switch {
		case test.want == "" && (err != nil || !strings.HasSuffix(fmt.Sprint(rows[1]), "1904]")):
			t.Errorf("code of %d bytes: %v, %v", len(test.code), rows[1], err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("code of %d bytes: error %v, want %q", len(test.code), err, test.want)
		}
	}
}

// However many styles a workbook has, and however long its numbers are written, what is
// kept of them is bounded, and each number is shown in its own style.
func TestFormatsAreBounded(t *testing.T) {
	f := &formats{cache: make(map[shown]string)}
	for i := range 2 * maxInFile {
		f.styles = append(f.styles, style{code: `"` + columnName(i+1) + `:"0`})
	}
	for i := range f.styles {
		for _, i := range []int{i, i / 2} {
			value := fmt.Sprintf("%0*d", maxCache/64, 7)
			if text, err := f.show(value, fmt.Sprint(i)); err != nil || text != columnName(i+1)+":7" {
				t.Fatalf("style %d: %q, %v", i, text, err)
			}
		}
		size := 0
		for key, text := range f.cache {
			size += len(key.value) + len(text)
		}
		if size > maxCache || len(f.inFile) > maxInFile {
			t.Fatalf("%d bytes of numbers and %d styles are kept", size, len(f.inFile))
		}
	}
}
