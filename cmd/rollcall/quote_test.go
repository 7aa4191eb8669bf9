package main

import (
	"os/exec"
	"strings"
	"testing"

	"rollcall/report"
)

// What is printed to be typed again is one word of the shell for each argument.
func TestQuote(t *testing.T) {
	for _, test := range []struct{ arg, sh, windows string }{
		{`--resume`, `--resume`, `--resume`},
		{`-o`, `-o`, `-o`},
		{`r.csv`, `r.csv`, `r.csv`},
		{`C:\rosters\r.csv`, `'C:\rosters\r.csv'`, `C:\rosters\r.csv`},
		{``, `''`, `""`},
		{`my users.csv`, `'my users.csv'`, `"my users.csv"`},
		{`C:\my users\`, `'C:\my users\'`, `"C:\my users\\"`},
		{`PrivacyMode=@Mode`, `PrivacyMode=@Mode`, `"PrivacyMode=@Mode"`},
		{`R&D.csv`, `'R&D.csv'`, `"R&D.csv"`},
		{`it's.csv`, `'it'\''s.csv'`, `"it's.csv"`},
		{`failed,unverified`, `failed,unverified`, `"failed,unverified"`},
		{`--max-errors=1.5%`, `--max-errors=1.5%`, `"--max-errors=1.5%"`},
		{`-or.csv`, `-or.csv`, `"-or.csv"`},
		// cmd.exe takes these for another argument, which is refused.
		{`Office=$null`, `'Office=$null'`, `'Office=$null'`},
		{`it's $5.csv`, `'it'\''s $5.csv'`, `'it''s $5.csv'`},
	} {
		if got := quoteForSh(test.arg); got != test.sh {
			t.Errorf("%s for sh is %s, want %s", test.arg, got, test.sh)
		}
		if got := quoteForWindows(test.arg); got != test.windows {
			t.Errorf("%s for Windows is %s, want %s", test.arg, got, test.windows)
		}
	}
}

// Whatever a word is, what is printed of it is on one line, is shown as it is, and is that
// word for every sh that is here.
func TestQuotedForEverySh(t *testing.T) {
	for _, arg := range []string{
		"users.csv", "my\nusers.csv", "\tit's 100%\\n\n$HOME!.csv", "-o\n1", "\x1b[31mred", "Zo\u00eb\u202e.csv", "not UTF-8 \xff\xfe", "\r", "a\n\n\nb", "\nab\u0085",
	} {
		quoted := quoteForSh(arg)
		if strings.Contains(quoted, "\n") || report.Shown(quoted) != quoted {
			t.Errorf("%q is quoted as %q", arg, quoted)
		}
		for _, sh := range []string{"sh", "dash", "bash", "zsh", "ksh"} {
			if _, err := exec.LookPath(sh); err != nil {
				continue
			}
			out, err := exec.Command(sh, "-c", "printf '%s|' "+quoted).CombinedOutput()
			if want := arg + "|"; err != nil || string(out) != want {
				t.Errorf("%s reads %s as %q (%v), want %q", sh, quoted, out, err, want)
			}
		}
	}
}
