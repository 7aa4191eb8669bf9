package errorcases

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"rollcall/tenant"
)

// CheckError fails the test unless err is one that may be shown: all of its texts
// are one printable line each, none has the secret or a piece of it, and no method
// of a [*tenant.Error] fails.
func CheckError(t *testing.T, err error, secret string) {
	t.Helper()
	texts := []string{err.Error(), fmt.Sprintf("%+v", err)}
	if e, ok := errors.AsType[*tenant.Error](err); ok {
		texts = append(texts, e.Exception, e.Class.Error(), e.Unwrap().Error())
		if e.Transient() != (e.Is(tenant.Throttled) || e.Is(tenant.Unavailable)) || !errors.Is(err, e.Class) {
			t.Errorf("%v: class %v, transient %v", e, e.Class, e.Transient())
		}
		if e.RetryAfter < 0 || e.RetryAfter.Hours() > 24 || e.Status != 0 && (e.Status < 100 || e.Status > 999) {
			t.Errorf("%v: status %d, wait %v", e, e.Status, e.RetryAfter)
		}
		if e.Err.Error() == "" {
			t.Error("no text")
		}
	}
	for _, text := range texts {
		CheckText(t, text, secret)
	}
}

// CheckText does it for one text.
func CheckText(t *testing.T, text, secret string) {
	t.Helper()
	if n := utf8.RuneCountInString(text); n > 4*tenant.MaxText {
		t.Errorf("a text of %d characters", n)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }); i >= 0 || !utf8.ValidString(text) {
		t.Errorf("text %q", text)
	}
	for i := range len(secret) - 7 {
		if strings.Contains(text, secret[i:i+8]) {
			t.Errorf("%q of the secret is in %q", secret[i:i+8], text)
			return
		}
	}
}
