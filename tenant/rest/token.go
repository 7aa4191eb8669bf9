package rest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"

	"rollcall/tenant"
)

// accessToken returns the token to send. If refused is not "", it is another one than
// refused.
//
// An error of Token that is a [*tenant.Error] keeps its Class and RetryAfter, and it is
// Unreachable: a sign-in that fails for a moment may succeed later, and has nothing to do
// with a user. Any other error is Unauthorized.
func (c *Client) accessToken(ctx context.Context, refused, claims string) (string, error) {
	// A Token that has one in store may not look, nor may a fake transport.
	if err := ctx.Err(); err != nil {
		return "", err
	}
	token, err := c.token(ctx, refused, claims)
	// There are few tokens and many calls.
	if last := c.checked.Load(); err == nil && (last == nil || *last != token) {
		err = c.checkToken(token)
	}
	if err == nil {
		return token, nil
	}
	if e, ok := errors.AsType[*tenant.Error](err); ok {
		return "", &tenant.Error{Class: e.Class, RetryAfter: e.RetryAfter, Unreachable: e.Class == tenant.Unavailable, Err: err}
	}
	return "", &tenant.Error{Class: tenant.Unauthorized, Err: fmt.Errorf("token: %w", err)}
}

// checkToken returns an error if token can't be sent. The error does not show the token.
func (c *Client) checkToken(token string) error {
	if token == "" {
		return errors.New("empty")
	}
	for i := range len(token) {
		if c := token[i]; c <= ' ' || c > '~' {
			return errors.New("it has a space, or another character that no token has")
		}
	}
	if err := checkTenant(c.organization, token); err != nil {
		return err
	}
	c.checked.Store(&token)
	return nil
}

// maxClaims is the longest claims challenge that is passed on.
const maxClaims = 16 << 10

// challenge returns the claims that a reply of status 401 asks the next token
// to have, as JSON, or "" if it asks for none that make sense.
//
// They are a parameter of the Bearer challenge, in base64 (certain: Microsoft's
// documentation of continuous access evaluation; which alphabet, and whether
// padded, is not). They may come with the error insufficient_claims or alone.
func challenge(h http.Header) string {
	for _, v := range h.Values("WWW-Authenticate") {
		for p := range parameters(v) {
			if strings.EqualFold(p.scheme, "Bearer") && strings.EqualFold(p.name, "claims") {
				if claims := decodeClaims(p.value); claims != "" {
					return claims
				}
			}
		}
	}
	return ""
}

// decodeClaims returns the JSON object that s is in base64, or "".
func decodeClaims(s string) string {
	if len(s) > maxClaims {
		return ""
	}
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	b, err := base64.RawStdEncoding.DecodeString(s)
	var object map[string]any
	if err != nil || json.Unmarshal(b, &object) != nil || len(object) == 0 {
		return ""
	}
	return string(b)
}

// A parameter is one of a WWW-Authenticate header.
type parameter struct{ scheme, name, value string }

// parameters returns those of a header's value, which may have several
// schemes: Basic realm="a, b", Bearer error="x", claims="eyJ9".
func parameters(v string) iter.Seq[parameter] {
	return func(yield func(parameter) bool) {
		scheme := ""
		for {
			v = strings.TrimLeft(v, " \t,=\"")
			if v == "" {
				return
			}
			word, rest := cutWord(v)
			value, ok := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "=")
			if !ok {
				scheme, v = word, rest
				continue
			}
			value, v = cutValue(strings.TrimLeft(value, " \t"))
			if !yield(parameter{scheme, word, value}) {
				return
			}
		}
	}
}

// cutWord cuts v after its first word.
func cutWord(v string) (word, rest string) {
	i := strings.IndexAny(v, " \t,=\"")
	if i < 0 {
		i = len(v)
	}
	return v[:i], v[i:]
}

// cutValue cuts v after its first value, a word or a quoted text. No backslash
// counts, for base64 has none.
func cutValue(v string) (value, rest string) {
	if text, ok := strings.CutPrefix(v, `"`); ok {
		value, rest, _ = strings.Cut(text, `"`)
		return value, rest
	}
	return cutWord(v)
}
