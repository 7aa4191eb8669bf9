package main

import "testing"

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
