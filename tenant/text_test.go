package tenant

import (
	"strings"
	"testing"
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

// A secret is nowhere in a text, and not in two of a row.
func TestCleanHides(t *testing.T) {
	if got, want := Clean("a sesame\nb hunter2 sesamesesame", "sesame", "", "hunter2"), "a [secret] b [secret] [secret][secret]"; got != want {
		t.Errorf("Clean = %q; want %q", got, want)
	}
}
