package connect

import (
	"strings"
	"sync/atomic"

	"rollcall/tenant"
)

// Caller returns the account or the application that the tenant knows us by, as far
// as a token said so by now, or "".
func (t *Tenant) Caller() string {
	if t.caller == nil {
		return ""
	}
	return t.caller()
}

// A caller is whom the first token is of. It may be used by several goroutines.
type caller struct{ said atomic.Pointer[string] }

// note takes in a token, and returns what it is given.
func (c *caller) note(token string, err error) (string, error) {
	if err == nil && c.said.Load() == nil {
		name := nameOf(tenant.CallerOf(token))
		c.said.Store(&name)
	}
	return token, err
}

func (c *caller) name() string {
	if name := c.said.Load(); name != nil {
		return *name
	}
	return ""
}

// nameOf names a caller for the record: a person by UPN, or else an application.
func nameOf(c tenant.Caller) string {
	switch {
	case c.Name != "":
		return c.Name
	case c.App != "":
		return "application " + strings.TrimSpace(c.AppName+" "+c.App)
	}
	return ""
}
