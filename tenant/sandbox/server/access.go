package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"rollcall/tenant"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
)

// An access knows which tokens the Server issued, and which tokens it has
// stopped accepting. It is safe for use by several goroutines at once.
type access struct {
	key [32]byte // signs tokens

	mu       sync.Mutex
	marks    map[[sha256.Size]byte]mark // by the token's hash
	sweep    int                        // how many marks there are when old ones are dropped
	required int64                      // the nbf that a token must have been asked for with; 0 for no matter
	latest   int64                      // the last that was required
}

// A mark says what is wrong with a token.
type mark struct {
	denial denial
	until  time.Time // when the token has expired anyway
}

// A denial says why a token is not accepted.
type denial struct {
	text string
	nbf  int64 // the claim that the next one is to be asked for with, or 0
}

var (
	noToken      = denial{text: "The access token is missing."}
	unknownToken = denial{text: "The access token is invalid."}
	expiredToken = denial{text: "The access token has expired."}
	foreignToken = denial{text: "The access token is of another tenant."}
	revokedText  = "The access token has been revoked."
)

// foreignLife is how long a token that was not issued here stays marked.
const foreignLife = 24 * time.Hour

// admit returns the token of an Authorization header, or the refusal of who
// sends it to the organization, which is "" if it may be any.
func (s *Server) admit(header, organization string) (string, *reply) {
	scheme, text, _ := strings.Cut(header, " ")
	text = strings.TrimSpace(text)
	if !strings.EqualFold(scheme, "Bearer") || text == "" {
		return "", s.refuse(noToken)
	}
	t := s.access.read(text)
	switch {
	case t == nil:
		if s.RequireIssued || s.Token != "" && subtle.ConstantTimeCompare([]byte(text), []byte(s.Token)) != 1 {
			return "", s.refuse(unknownToken)
		}
	case t.Own.Use != useAccess:
		return "", s.refuse(unknownToken)
	case t.expired():
		return "", s.refuse(expiredToken)
	case tenant.IsGUID(t.Tenant) && organization != "" && !strings.EqualFold(t.Tenant, organization):
		return "", s.refuse(foreignToken)
	}
	if d := s.access.check(text, t); d != (denial{}) {
		return "", s.refuse(d)
	}
	return text, nil
}

// refuse counts a token that is not accepted, and returns what is said of it.
func (s *Server) refuse(d denial) *reply {
	s.tally.add(&s.tally.counts.RefusedTokens)
	s.Log.Debug("token refused", zap.String("reason", d.text))
	challenge := `Bearer realm="sandbox", error="invalid_token", error_description="` + d.text + `"`
	if d.nbf != 0 {
		claims := fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, d.nbf)
		challenge = `Bearer realm="sandbox", error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte(claims)) + `"`
	}
	r := textReply(http.StatusUnauthorized, "")
	r.header = []string{"WWW-Authenticate", challenge}
	return &r
}

// check returns what is wrong with a token that is good otherwise. T is nil if
// it was not issued here.
func (a *access) check(text string, t *token) denial {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.marks) > 0 {
		if m, ok := a.marks[sha256.Sum256([]byte(text))]; ok {
			if m.denial.nbf != 0 && a.required != 0 {
				m.denial.nbf = a.required
			}
			return m.denial
		}
	}
	if t == nil || a.required == 0 {
		return denial{}
	}
	if t.Own.Asked != a.required {
		return denial{revokedText, a.required}
	}
	a.required = 0
	return denial{}
}

// expire has the token count as expired from here on.
func (a *access) expire(text string) denial {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mark(text, a.read(text), expiredToken)
	return expiredToken
}

// challenge has the token, if it was issued here, count as revoked from here on,
// and any other one too until one is used that was asked for with the claims
// that the denial has. A token that was not issued can't be asked for: it is
// refused this once.
func (a *access) challenge(text string) denial {
	t := a.read(text)
	if t == nil {
		return unknownToken
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.required == 0 || t.Own.Asked == a.required {
		a.latest = max(time.Now().Unix(), a.latest+1)
		a.required = a.latest
	}
	d := denial{revokedText, a.required}
	a.mark(text, t, d)
	return d
}

func (a *access) mark(text string, t *token, d denial) {
	now := time.Now()
	if a.marks == nil {
		a.marks = make(map[[sha256.Size]byte]mark)
		a.sweep = 1000
	}
	if len(a.marks) >= a.sweep {
		for hash, m := range a.marks {
			if !now.Before(m.until) {
				delete(a.marks, hash)
			}
		}
		a.sweep = max(1000, 2*len(a.marks))
	}
	until := now.Add(foreignLife)
	if t != nil {
		until = time.UnixMilli(t.Own.Until)
	}
	a.marks[sha256.Sum256([]byte(text))] = mark{d, until}
}
