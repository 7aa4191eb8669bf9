package connect

import (
	"strings"
	"sync/atomic"

	"rollcall/tenant"
)

// Caller returns the account or the application that signed in, or "" if no token has said
// so yet.
func (t *Tenant) Caller() string {
	if t.caller == nil {
		return ""
	}
	return t.caller()
}

// A caller is the owner of the first token. It may be used by several goroutines.
type caller struct{ said atomic.Pointer[string] }

// note notes the owner of a token, and returns its arguments.
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

// nameOf returns the name of a caller for the record: a person's UPN or an application.
func nameOf(c tenant.Caller) string {
	switch {
	case c.Name != "":
		return c.Name
	case c.App != "":
		return "application " + strings.TrimSpace(c.AppName+" "+c.App)
	}
	return ""
}
