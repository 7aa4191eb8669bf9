package roster

import (
	"strings"
	"testing"
)

func TestParseUPN(t *testing.T) {
	local := strings.Repeat("a", 64)
	domain := strings.Repeat("b", 44) + ".com"
	valid := map[string]string{ // "" for the same
		"ada@fabrikam.com":                           "",
		"Claude.O'Brien@Fabrikam.COM":                "",
		"_a-b!c#d^e~f@fabrikam.com":                  "",
		"jane_example.com#EXT#@f.onmicrosoft.com":    "",
		"6f9619ff-8b86-d011-b42d-00CF4FC964FF":       "",
		"7e06b5661f9d4aa28c41fd52ad52e68aj@f.com":    "",
		local + "@" + domain:                         "",
		local + "long#ext#@" + domain + ".org":       "",
		"ada@a-b.c1":                                 "",
		"ada@fabrikam.local":                         "",
		" ada@fabrikam.com\t":                        "ada@fabrikam.com",
		"\u00a0\u200bada@fabrikam.com\ufeff\u2060":   "ada@fabrikam.com",
		"ada@fabrikam.com\r\n":                       "ada@fabrikam.com",
		"\u200e\u202aada@fabrikam.com\u202c\u3000\n": "ada@fabrikam.com",
	}
	for text, want := range valid {
		if want == "" {
			want = text
		}
		if got, err := ParseUPN(text); err != nil || got != want {
			t.Errorf("ParseUPN(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	invalid := map[string]string{
		"":                                     "no UPN",
		" \u00a0":                              "no UPN",
		"ada":                                  "has no domain",
		"ada@":                                 "has no domain",
		`FABRIKAM\ada`:                         "has no domain",
		"@fabrikam.com":                        `has no name before the "@"`,
		"a@b.com;c@d.com":                      `has more than one "@"`,
		"ada@@fabrikam.com":                    `has more than one "@"`,
		"lynne+test@fabrikam.com":              `"+" is not allowed in a UPN`,
		"bob @fabrikam.com":                    "a blank is not allowed in a UPN",
		"bob\n@fabrikam.com":                   "a line end is not allowed in a UPN",
		"b\u200bb@fabrikam.com":                "U+200B is not allowed in a UPN",
		"b\u00a0b@fabrikam.com":                "U+00A0 is not allowed in a UPN",
		"b\u0301b@fabrikam.com":                "U+0301 is not allowed in a UPN",
		"jäynä@firma.fi":                       `"ä" is not allowed in a UPN`,
		"иван@fabrikam.com":                    `"и" is not allowed in a UPN`,
		"a\xffb@fabrikam.com":                  "byte 0xFF is not allowed in a UPN",
		"ada@fabrikam_.com":                    `"_" is not allowed in a domain`,
		"SMTP:ada@fabrikam.com":                `":" is not allowed in a UPN`,
		".ada@fabrikam.com":                    `"." is not allowed at the beginning of a UPN`,
		"ada.@fabrikam.com":                    `"." is not allowed just before the "@"`,
		"a..b@fabrikam.com":                    `".." is not allowed in a UPN`,
		"ada@fabrikam":                         `domain "fabrikam" has no "."`,
		"ada@fabrikam.":                        `domain "fabrikam." has a "." at an end or two in a row`,
		"ada@a..b":                             `domain "a..b" has a "." at an end or two in a row`,
		"ada@-a.b":                             `domain "-a.b" has a "-" beside a "." or at an end`,
		"ada@a.b-":                             `domain "a.b-" has a "-" beside a "." or at an end`,
		"a" + local + "@fabrikam.com":          `has 65 characters before the "@", more than 64`,
		"ada@b" + domain:                       `has 49 characters after the "@", more than 48`,
		"[User.Name]":                          `"[" is not allowed in a UPN: is it a placeholder that was not filled in?`,
		"Ada@<<<domain>>>":                     `"<" is not allowed in a UPN: is it a placeholder that was not filled in?`,
		"i:0#.f|membership|ada@fabrikam.com":   `a SharePoint login name: the UPN is what follows the last "|"`,
		"6f9619ff-8b86-d011-b42d-00CF4FC964F":  "has no domain",
		"6f9619ff-8b86-d011-b42d-00CF4FC964FG": "has no domain",
	}
	for text, want := range invalid {
		if got, err := ParseUPN(text); err == nil || err.Error() != want {
			t.Errorf("ParseUPN(%q) = %q, %v; want %s", text, got, err, want)
		}
	}
}

// What ParseUPN returns it takes as it is, and it is a part of what it was given.
func FuzzParseUPN(f *testing.F) {
	for _, s := range []string{"ada@fabrikam.com", " a@b.c\u200b", "6f9619ff-8b86-d011-b42d-00CF4FC964FF", "a+b@c.d", "\xff@\xff", "..@..", "i:0|"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		upn, err := ParseUPN(text)
		if err != nil {
			if upn != "" || err.Error() == "" || strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("ParseUPN(%q) = %q, %q", text, upn, err)
			}
			return
		}
		if again, err := ParseUPN(upn); err != nil || again != upn || !strings.Contains(text, upn) {
			t.Errorf("ParseUPN(%q) = %q, and ParseUPN of that = %q, %v", text, upn, again, err)
		}
		for _, c := range []byte(upn) {
			if c <= ' ' || c >= 0x7F {
				t.Errorf("ParseUPN(%q) = %q", text, upn)
			}
		}
	})
}
