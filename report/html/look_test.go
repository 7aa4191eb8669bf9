package html

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Texts stand out from what is behind them by 4.5 to 1, and what is drawn by 3 to
// 1, as WCAG 2.2 has it for level AA, in light, in dark and in print.
func TestContrast(t *testing.T) {
	light, rest, _ := strings.Cut(pageStyle, "@media screen")
	dark, print, _ := strings.Cut(rest, "@media print")
	themes := map[string]map[string]string{"light": colours(light), "dark": colours(light), "print": colours(light)}
	for name, c := range colours(dark) {
		themes["dark"][name] = c
	}
	for name, c := range colours(print) {
		themes["print"][name] = c
	}
	for theme, c := range themes {
		for _, tt := range []struct {
			front, back string
			least       float64
		}{
			{"ink", "paper", 7}, {"ink", "panel", 7}, {"ink", "badtint", 7},
			{"muted", "paper", 4.5}, {"muted", "panel", 4.5},
			{"bad", "paper", 4.5}, {"bad", "panel", 4.5}, {"bad", "badtint", 4.5},
			{"accent", "paper", 4.5}, {"accent", "panel", 4.5},
			{"settled", "paper", 3}, {"settled", "panel", 3}, {"strong", "paper", 3}, {"focus", "paper", 3},
		} {
			if got := contrast(t, c[tt.front], c[tt.back]); got < tt.least {
				t.Errorf("%s: %s %s on %s %s: %.2f to 1, want %v", theme, tt.front, c[tt.front], tt.back, c[tt.back], got, tt.least)
			}
		}
	}
}

func colours(css string) map[string]string {
	all := make(map[string]string)
	for _, m := range regexp.MustCompile(`--(\w+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
		all[m[1]] = m[2]
	}
	return all
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(fmt.Sprintf("%.2s", colour[min(2*i, len(colour)):]), 16, 8)
		if err != nil {
			t.Fatalf("colour %q: %v", colour, err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"ada@contoso.com":        "ada@contoso.com",
		"Zoë Müller 山田":          "Zoë Müller 山田",
		"a\u202eb":               "a⟨U+202E⟩b",
		"a\u2066b\u2069":         "a⟨U+2066⟩b⟨U+2069⟩",
		"tab\tline\n":            "tab␉line␊",
		"\x7f\x80\xff\ufffd":     "␡\ufffd\ufffd\ufffd",
		"\u0085":                 "\ufffd",
		"می\u200cخواهم":          "می\u200cخواهم",
		"soft\u00adhyphen":       "soft⟨U+00AD⟩hyphen",
		"\u3164":                 "⟨U+3164⟩",
		"\U000e0041":             "⟨U+E0041⟩",
		"family 👩\u200d👩\u200d👧": "family 👩\u200d👩\u200d👧",
	} {
		if got := visible(in); got != want {
			t.Errorf("visible(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""}, {"abc", "abc"}, {"abcd", "abcd"}, {"abcde", "abcd…"}, {"äöüß", "äöüß"}, {"äöüßx", "äöüß…"}, {"\xff\xff\xff\xff\xff", "\xff\xff\xff\xff…"},
	} {
		if got := clip(tt.in, 4); got != tt.want {
			t.Errorf("clip(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[int]string{0: "0", 12: "12", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := group(n); got != want {
			t.Errorf("group(%d) = %s, want %s", n, got, want)
		}
	}
	if got := amount(1234, "retry"); got != "1,234 retries" {
		t.Error(got)
	}
	for _, tt := range []struct {
		n, of int
		want  string
	}{{0, 9, "0%"}, {9, 9, "100%"}, {1, 5000, "<0.1%"}, {4999, 5000, ">99.9%"}, {1, 3, "33.3%"}} {
		if got := percent(tt.n, tt.of); got != tt.want {
			t.Errorf("percent(%d, %d) = %s, want %s", tt.n, tt.of, got, tt.want)
		}
	}
	for x, want := range map[float64]float64{0: 1, 0.3: 0.5, 1: 1, 1.1: 2, 44: 50, 51: 100, 1000: 1000} {
		if got := nice(x); math.Abs(got-want) > 1e-9 {
			t.Errorf("nice(%v) = %v, want %v", x, got, want)
		}
	}
}
