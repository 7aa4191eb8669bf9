package tenant

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// To clean a text twice is to clean it once.
func FuzzClean(f *testing.F) {
	f.Add("a  b\x00")
	f.Add(strings.Repeat("é ", 200))
	f.Fuzz(func(t *testing.T, s string) {
		once := Clean(s)
		if twice := Clean(once); twice != once {
			t.Errorf("Clean(%q) = %q, and of that %q", s, once, twice)
		}
		if n := utf8.RuneCountInString(once); n > MaxText+1 {
			t.Errorf("Clean(%q) has %d characters", s, n)
		}
	})
}

// Nothing that is invisible survives, alone or in the middle of a word.
func TestCleanInvisible(t *testing.T) {
	for _, table := range []*unicode.RangeTable{unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector} {
		for _, r := range table.R16 {
			for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
				testInvisible(t, c)
			}
		}
		for _, r := range table.R32 {
			testInvisible(t, rune(r.Lo)) // the private planes are long
			testInvisible(t, rune(r.Hi))
		}
	}
	for _, c := range "\u202e\u2066\u200b\u200d\u2060\ufeff\u00ad\u034f\ufe0f\u3164\x00\x1b\u009b\U000E0041" {
		testInvisible(t, c)
	}
}

func testInvisible(t *testing.T, c rune) {
	t.Helper()
	if got := Clean("a" + string(c) + "b"); got != "ab" && got != "a b" && !(utf16.IsSurrogate(c) && got == "a\uFFFDb") {
		t.Errorf("Clean(a%Ub) = %q", c, got)
	}
}

// Sequences that control a terminal go whole.
func TestCleanSequences(t *testing.T) {
	for in, want := range map[string]string{
		"\x1b[1;31mred\x1b[0m": "red", "a \x1b[2J b": "a b", "\x1b]0;title\x07x": "x", "\x1b]8;;https://e.org\x1b\\link": "link",
		"\x1bcx": "cx", "\x1b[": "[", "\u009b31mx": "31mx", "\x1b\x1b[31mx": "x",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q; want %q", in, got, want)
		}
	}
}
