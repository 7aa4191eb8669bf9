package entra

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"rollcall/tenant"
)

// forever is the time of renewal of a token that can't be renewed.
const forever = 100 * 365 * 24 * time.Hour

// A given is a token that another program got: a fixed one, or one in a file, which may be
// replaced by a new one from time to time.
type given struct {
	fixed string // the token if it is not in a file
	name  string // the file, or ""
	last  string // the token that was in it
	info  fs.FileInfo
}

// newGiven returns the Source of cfg's token.
func newGiven(cfg Config) (*Source, error) {
	g := &given{name: cfg.TokenFile}
	s := &Source{get: g, about: "a given token"}
	token := strings.TrimSpace(cfg.Token)
	if g.name != "" {
		var warning string
		var err error
		if token, warning, err = g.read(); err != nil {
			return nil, err
		}
		s.about = "a token given in " + g.name
		if warning != "" {
			s.warnings = append(s.warnings, warning)
		}
	} else {
		g.fixed = token
		if err := missing(map[Need]string{NeedToken: token}); err != nil {
			return nil, err
		}
	}
	if end := tenant.CallerOf(token).Expires; !end.IsZero() && end.Before(time.Now()) {
		s.warnings = append(s.warnings, "the access token ended at "+end.Format(time.RFC3339))
	}
	return s, nil
}

// read reads the file. What of it was seen before the reading is what a later
// change is told by.
func (g *given) read() (token, warning string, err error) {
	info, serr := os.Stat(g.name)
	token, warning, err = readSecret(g.name)
	if err == nil && serr == nil {
		g.last, g.info = token, info
	}
	return token, warning, err
}

// token returns the token. It reads the file again if the file has changed or the token is
// refused.
//
// If the file can't be read or is empty, it may be in the middle of a write: the old token
// is used as long as it is not refused.
func (g *given) token(_ context.Context, refused, _ string) (issued, error) {
	if g.name == "" {
		if g.fixed == refused {
			return issued{}, g.fault(tenant.Unauthorized, errors.New("the access token is not accepted: start again with another"))
		}
		return issued{token: g.fixed, renew: time.Now().Add(forever)}, nil
	}
	info, err := os.Stat(g.name)
	if err != nil || refused == g.last || !same(info, g.info) {
		_, _, err = g.read()
	}
	switch {
	case refused != g.last:
		return issued{token: g.last}, nil // renewed at once: to look whether a file has changed costs little
	case errors.Is(err, errEmpty):
		return issued{}, g.fault(tenant.Unavailable, err)
	case err != nil:
		return issued{}, g.fault(tenant.Unauthorized, err)
	}
	return issued{}, g.fault(tenant.Unauthorized, fmt.Errorf("the access token in %s is not accepted: put another there", g.name))
}

// same reports whether a file looks unchanged.
func same(a, b fs.FileInfo) bool {
	return a != nil && b != nil && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

func (g *given) fault(class tenant.Class, err error) error {
	return &tenant.Error{Op: op, Object: "by a given token", Class: class, Err: err}
}
