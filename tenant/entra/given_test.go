package entra

import (
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"rollcall/tenant"
)

// put replaces what is in a file, as another process does, at a time of its own.
func put(t *testing.T, name, text string, at time.Time) {
	t.Helper()
	next := name + ".next"
	err := errors.Join(os.WriteFile(next, []byte(text), 0o600), os.Chtimes(next, at, at), os.Rename(next, name))
	if err != nil {
		t.Fatal(err)
	}
}

// A token that is in no file is all there is.
func TestFixedToken(t *testing.T) {
	s := newSource(t, Config{Method: Token, Token: " t1\n"})
	want(t, s, "", "", "t1")
	want(t, s, "t0", "", "t1")
	e := failed(t, s, "t1", tenant.Unauthorized)
	if got := e.Error(); got != "sign in by a given token: the access token is not accepted: start again with another" {
		t.Errorf("error %q", got)
	}
}

// A token from a file is the one that is there now. One that is refused is
// looked for again, however little the file seems to have changed, and one that
// is cached is used on while the file is being written.
func TestTokenFromFile(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	name := write(t, "token", "t1\n")
	s := newSource(t, Config{Method: Token, TokenFile: name, Token: "other"})
	want(t, s, "", "", "t1")
	put(t, name, "token2", at)
	want(t, s, "", "", "token2")
	failed(t, s, "token2", tenant.Unauthorized)

	put(t, name, "", at)
	want(t, s, "", "", "token2")
	if e := failed(t, s, "token2", tenant.Unavailable); !strings.Contains(e.Error(), "empty") {
		t.Errorf("error %v", e)
	}
	os.Remove(name)
	want(t, s, "", "", "token2")
	failed(t, s, "token2", tenant.Unauthorized)
	put(t, name, "token3", at)
	want(t, s, "token2", "", "token3")

	// Written in place, at the same length and time.
	if err := errors.Join(os.WriteFile(name, []byte("token4"), 0o600), os.Chtimes(name, at, at)); err != nil {
		t.Fatal(err)
	}
	want(t, s, "token3", "", "token4")
	want(t, s, "", "", "token4")
}

// A token that has ended already is warned of.
func TestEndedToken(t *testing.T) {
	for claims, warned := range map[string]bool{`{"exp":1000000000}`: true, `{"exp":9000000000}`: false, `{}`: false} {
		token := "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s"
		s := newSource(t, Config{Method: Token, Token: token})
		if got := strings.Join(s.Warnings(), ""); (got != "") != warned || warned && got != "the access token ended at 2001-09-09T01:46:40Z" {
			t.Errorf("%s: warnings %q", claims, got)
		}
	}
}
