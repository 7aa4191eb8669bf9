package sandbox

import (
	"maps"
	"strings"

	"rollcall/tenant"
)

// A user is one user and their settings. It is a value: what it points to is never changed.
type user struct {
	name  string // in the tenant's spelling
	flags flags
	more  *more // or nil
}

// more is what few users have.
type more struct {
	row *row // of a file's user, or nil

	// The properties that were set of nouns without rules of their own: by noun in
	// lower case, or, for a file's user, who has one set of properties for all
	// nouns, under "".
	objects map[string]tenant.Object
}

// row returns the row of a file's user, or nil.
func (u user) row() *row {
	if u.more == nil {
		return nil
	}
	return u.more.row
}

// object returns the properties under key, or nil.
func (m *more) object(key string) tenant.Object {
	if m == nil {
		return nil
	}
	return m.objects[key]
}

// with returns m with o under key.
func (m *more) with(key string, o tenant.Object) *more {
	after := &more{objects: make(map[string]tenant.Object)}
	if m != nil {
		after.row = m.row
		maps.Copy(after.objects, m.objects)
	}
	after.objects[key] = o
	return after
}

// flags are a user's settings in the nouns with rules of their own. 0 is a user
// as New has them.
type flags uint8

const (
	optOut       flags = 1 << iota // data are not used
	excluded                       // optOut, without the user's say; never both
	dashboardOff                   // IsDashboardEnabled is false, and so on
	addInOff
	digestOff
	headspaceOff
	briefingOff
	unlicensed

	privacy  = optOut | excluded
	features = dashboardOff | addInOff | digestOff
)

// A toggle is a property that is true or false, and true unless its flag is set.
type toggle struct {
	property string
	off      flags
}

// toggles are the properties that flags hold beside PrivacyMode.
var toggles = []toggle{
	{"IsDashboardEnabled", dashboardOff},
	{"IsAddInEnabled", addInOff},
	{"IsDigestEmailEnabled", digestOff},
	{"IsInsightsHeadspaceEnabled", headspaceOff},
	{"IsEnabled", briefingOff},
}

// with returns f with the flags off set if on is false, and clear if it is true.
func (f flags) with(off flags, on bool) flags {
	if on {
		return f &^ off
	}
	return f | off
}

// opted returns f with another privacy mode: 0, optOut or excluded.
func (f flags) opted(mode flags) flags { return f&^privacy | mode }

// fold returns name as it is compared: in lower case.
func fold(name string) string {
	for i := range len(name) {
		if c := name[i]; 'A' <= c && c <= 'Z' || c >= 0x80 {
			return strings.ToLower(name)
		}
	}
	return name
}
