package tenant

import (
	"strings"
	"testing"
	"unicode"
)

// A secret is nowhere in a text, whole, wrapped, or the better part of it.
func TestCleanHides(t *testing.T) {
	const long = "s3cret-that-is-rather-long"
	for _, test := range []struct{ in, want string }{
		{"a sesame\nb hunter2 sesamesesame", "a [secret] b [secret] [secret]"},
		{"x " + long + "y", "x [secret]y"},
		{long + long, "[secret]"},
		{"cut " + long[:12], "cut [secret]"},
		{long[10:] + " rest", "[secret] rest"},
		{"| " + long[2:20] + " |", "| [secret] |"},
		{"token=" + long[:10] + "\r\n" + long[10:] + "=", "token=[secret]="},
		{"the " + long[:10] + "\n     | " + long[10:], "the [secret] | [secret]"},
		{"s3cret", "s3cret"}, // too little to tell it from a word
		{"ses\x00ame hun\u200bter2 hu\x1b[31mnter2\x1b[0m", "[secret] [secret] [secret]"},
		{"ses\x1bame", "[secret]"},
		{"ünïcødé ünï\u00adcødé", "[secret] [secret]"},
		{strings.Repeat("\x00", maxClean) + "sesame", "[secret]"},
		{strings.Repeat("x", MaxText-2) + long, strings.Repeat("x", MaxText-2) + "[s…"},
	} {
		if got := Clean(test.in, "sesame", "", "hunter2", long, "ünïcødé", "\x00"); got != test.want {
			t.Errorf("Clean(%q) = %q; want %q", test.in, got, test.want)
		}
	}
}

// interruptions are what does not print, and may stand in the middle of a secret.
var interruptions = []string{
	"\x00", "\x7f", "\x1b", "\x1b[31m", "\x1b[0m\x1b[1m", "\x1b]0;title\x07", "\u200b", "\u202e", "\u2066\u2069", "\ufeff", "\u00ad", "\u034f", "\u3164",
	"\n", "\r\n\t ", "\u2028", "\x00\u200d\x00", strings.Repeat("\x00", 1000), "\U000E0041", "\ufe0f",
}

// Whatever does not print stands in a secret, wherever, as often as it likes,
// nothing of the secret is left.
func TestCleanHidesInterrupted(t *testing.T) {
	const secret = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2V4YW1wbGUub3JnIn0.c2ln"
	for _, with := range interruptions {
		for i := range len(secret) + 1 {
			every := strings.Join(strings.Split(secret, ""), with)
			for _, in := range []string{secret[:i] + with + secret[i:], secret[:i] + with + secret[i:i] + with + secret[i:], every} {
				testHidden(t, Clean("Bearer "+in+" refused", secret), "Bearer [secret] refused", secret)
				testHidden(t, Hide("Bearer "+in+" refused", secret), "", secret)
			}
		}
	}
}

// testHidden checks that text is want, unless that is "", and has no piece of
// secret, not even one that is interrupted.
func testHidden(t *testing.T, text, want, secret string) {
	t.Helper()
	if want != "" && text != want {
		t.Errorf("text %q; want %q", text, want)
	}
	bare := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	for i := range len(secret) - minPiece + 1 {
		if piece := secret[i : i+minPiece]; strings.Contains(bare, piece) {
			t.Errorf("%q of the secret is in %q", piece, text)
			return
		}
	}
}

// Nothing that is put into a token keeps it from being hidden, unless it prints.
func FuzzCleanHides(f *testing.F) {
	const secret = "c2VzYW1lLXNlc2FtZS1zZXNhbWU0MTIz"
	for _, s := range interruptions {
		f.Add("Bearer ", s, " refused", 7)
	}
	f.Fuzz(func(t *testing.T, before, with, after string, at int) {
		if at < 0 || at > len(secret) {
			return
		}
		got := Clean(before+secret[:at]+with+secret[at:]+after, secret)
		for i := range len(secret) - minPiece + 1 {
			if piece := secret[i : i+minPiece]; strings.Contains(got, piece) {
				t.Errorf("%q of the secret is in %q", piece, got)
			}
		}
		for _, r := range got {
			if r != ' ' && !prints(r) {
				t.Errorf("%U in %q", r, got)
			}
		}
	})
}

// What looks like a token is hidden, though nobody said that it is one.
func TestHideUnknownTokens(t *testing.T) {
	const token = "eyJhbGciOiJub25lIn0.eyJzZWNyZXQiOiJzZXNhbWUifQ.c2VzYW1l"
	for s, want := range map[string]string{
		"the token " + token + " is bad":       "the token [secret] is bad",
		"the token " + token[:30] + "… is bad": "the token [secret]… is bad",
		"eyJhIjoxfQ== are claims":              "eyJhIjoxfQ== are claims",
	} {
		if got := Hide(s); got != want {
			t.Errorf("Hide(%q) = %q; want %q", s, got, want)
		}
	}
}
