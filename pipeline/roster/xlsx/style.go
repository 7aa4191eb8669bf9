package xlsx

import (
	"regexp"
	"strings"

	"github.com/xuri/excelize/v2"
)

// A style is what is done to a number.
type style struct {
	id   int    // of a format that is built in, if code is ""
	code string // of another
}

// isGeneral reports whether numbers are shown as if there were no format, or in a way
// that would lose digits for nothing.
func (s style) isGeneral() bool {
	if s.code == "" {
		return s.id == 0 || s.id == 11 || s.id == 12 || s.id == 13 || s.id == 48 || s.id == 49 // scientific, fractions, text
	}
	plain := literal.ReplaceAllString(s.code, "")
	return strings.EqualFold(plain, "general") || strings.Contains(plain, "@") && !strings.Contains(plain, ";") ||
		fraction.MatchString(plain) || scientific.MatchString(plain)
}

var (
	literal    = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.|\[[^\]]*\]`)
	fraction   = regexp.MustCompile(`[#?0] ?/ ?[#?0-9]`)
	scientific = regexp.MustCompile(`[eE][+-]0`)
	elapsed    = regexp.MustCompile(`\[[hmsHMS]+\]`)
	dated      = regexp.MustCompile(`[yYmMdDhHsS]`)
)

// isDate reports whether numbers are shown as dates or times.
func (s style) isDate() bool {
	return s.code != "" && dated.MatchString(literal.ReplaceAllString(s.code, ""))
}

// isoDate is how a date is shown where Excel has it as the computer's settings say.
const isoDate = "yyyy-mm-dd"

// builtInDates are the formats of dates and times that a workbook names by number
// alone. Excel shows 14 and 22, and those of East Asia, as the computer's settings say.
var builtInDates = map[int]string{
	14: isoDate, 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
	20: "h:mm", 21: "h:mm:ss", 22: isoDate + " hh:mm", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0",
}

// settled returns s, with a code if it is a date that is built in; in English unless it
// says otherwise, for the library then knows the language without a search; and with a
// backslash before each letter that is quoted, for the library takes digits in quotes for
// those of a number, and would show 7 in "2026-"000 as 2000-007.
func (s style) settled() style {
	if s.code == "" {
		s.code = builtInDates[s.id]
		if s.id >= 27 && s.id <= 36 || s.id >= 50 && s.id <= 58 {
			s.code = isoDate
		}
	}
	if s.code != "" {
		s.id = 0
	}
	s.code = literal.ReplaceAllStringFunc(s.code, func(part string) string {
		if part[0] != '"' {
			return part
		}
		escaped := ""
		for _, letter := range part[1 : len(part)-1] {
			escaped += `\` + string(letter)
		}
		return escaped
	})
	if s.isDate() && !strings.Contains(s.code, "[$-") {
		s.code = "[$-409]" + s.code
	}
	return s
}

// excelize returns s as the library has it.
func (s style) excelize() *excelize.Style {
	if s.code == "" {
		return &excelize.Style{NumFmt: s.id}
	}
	return &excelize.Style{CustomNumFmt: &s.code}
}
