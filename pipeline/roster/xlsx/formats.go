package xlsx

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// formats show numbers as the styles of a workbook do.
type formats struct {
	styles   []style
	date1904 bool

	file   *excelize.File // one cell, in which numbers are formatted; nil until there is one
	inFile map[style]int  // the styles that file has, of those that cells have had
	now    int            // the style of that cell in file

	cache  map[shown]string
	cached int // bytes of cache
}

type shown struct {
	style int
	value string
}

// maxCode is how many characters a format code may have, as in Excel: what a code costs
// to read grows with the square of its length.
const maxCode = 255

// maxStyles is how many styles of cells Excel has.
const maxStyles = 65490

// maxInFile is how many styles formats.file may have: it searches them all for each new one.
const maxInFile = 512

// maxCache is how many bytes the numbers take that are remembered as they are shown.
const maxCache = 1 << 20

// dateEnd is the first day that Excel does not have: of the year 10000.
const dateEnd = 2958466

// readFormats reads the styles of a part; there may be none.
func (b *Book) readFormats(part string, date1904 bool) (*formats, error) {
	f := &formats{date1904: date1904, cache: make(map[shown]string)}
	if part == "" || b.parts[part] == nil {
		return f, nil
	}
	codes := make(map[int]string)
	inCells := 0 // depth of the styles of cells, when inside
	err := b.each(part, maxPart, func(e *element) error {
		if e.depth <= inCells {
			inCells = 0
		}
		id, err := strconv.Atoi(e.attr("numFmtId"))
		switch e.Name.Local {
		case "numFmt":
			if err != nil {
				return fmt.Errorf("%s is damaged: format %q", part, e.attr("numFmtId"))
			}
			code := e.attr("formatCode")
			if n := utf8.RuneCountInString(code); n > maxCode {
				return fmt.Errorf("%s is damaged: a number format has %d characters, more than %d", part, n, maxCode)
			}
			codes[id] = code
		case "cellXfs":
			inCells = e.depth
		case "xf":
			if inCells == 0 {
				break
			}
			if len(f.styles) == maxStyles {
				return fmt.Errorf("%s has more than %d styles", part, maxStyles)
			}
			f.styles = append(f.styles, style{id, codes[id]})
		}
		return nil
	})
	return f, err
}

// show returns the text that a cell with a number has in a style.
func (f *formats) show(value, styleID string) (string, error) {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return "", fmt.Errorf("%.40q is not a number", value)
	}
	index := 0
	if styleID != "" {
		if index, err = strconv.Atoi(styleID); err != nil || index < 0 || index > 0 && index >= len(f.styles) {
			return "", fmt.Errorf("there is no style %.20q in the workbook", styleID)
		}
	}
	if index >= len(f.styles) || f.styles[index].isGeneral() {
		return general(n), nil
	}
	key := shown{index, value}
	if text, ok := f.cache[key]; ok {
		return text, nil
	}
	text, err := f.format(n, f.styles[index].settled())
	if err != nil {
		return "", err
	}
	size := len(value) + len(text) + 64
	if f.cached += size; f.cached > maxCache {
		clear(f.cache)
		f.cached = size
	}
	f.cache[key] = text
	return text, nil
}

// general returns a number without a format: all its digits, up to the fifteen that
// Excel knows of.
func general(n float64) string {
	n, _ = strconv.ParseFloat(strconv.FormatFloat(n, 'g', 15, 64), 64)
	if abs := math.Abs(n); abs != 0 && (abs < 1e-9 || abs >= 1e21) {
		return strconv.FormatFloat(n, 'E', -1, 64)
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// format returns n in a style.
func (f *formats) format(n float64, s style) (text string, err error) {
	defer func() {
		if p := recover(); p != nil { // the library's, over a format code
			err = fmt.Errorf("the format %.60q can't be read", s.code)
		}
	}()
	date := s.isDate()
	if date && f.date1904 && !elapsed.MatchString(s.code) {
		n += 1462 // the library has days of 1904 right only from March on
	}
	if date && (n < 0 || n >= dateEnd) {
		return "########", nil // as Excel shows it
	}
	index, err := f.index(s)
	if err != nil {
		return "", err
	}
	const sheet, cell = "Sheet1", "A1"
	if f.now != index {
		if err := f.file.SetCellStyle(sheet, cell, cell, index); err != nil {
			return "", err
		}
		f.now = index
	}
	if err := f.file.SetCellFloat(sheet, cell, n, -1, 64); err != nil {
		return "", err
	}
	if text, err = f.file.GetCellValue(sheet, cell); err != nil {
		return "", err
	}
	if date && text == strconv.FormatFloat(n, 'f', -1, 64) {
		return "", errors.New("a date in a format that can't be read: give it another format, or make it text")
	}
	return strings.TrimSpace(text), nil
}

// index returns which of the styles of f.file s is. It makes s one of them, and f.file.
func (f *formats) index(s style) (int, error) {
	if index, ok := f.inFile[s]; ok {
		return index, nil
	}
	if f.file == nil || len(f.inFile) == maxInFile {
		f.file, f.inFile, f.now = excelize.NewFile(), make(map[style]int), 0
	}
	index, err := f.file.NewStyle(s.excelize())
	if err == nil {
		f.inFile[s] = index
	}
	return index, err
}
