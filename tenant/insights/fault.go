package insights

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// readMessage returns the message of a body: an error in the form of this service or of
// another one, plain text, or a page.
func readMessage(body []byte) rest.Message {
	if m := findMessage(body); m.Text != "" {
		return m
	}
	text := strings.TrimSpace(rest.Describe(body))
	return rest.Message{Text: text, Whole: text}
}

// findMessage returns the message of a body that is an error in JSON.
func findMessage(body []byte) rest.Message {
	text := tenant.Reason(body)
	if text == "" {
		return rest.Message{}
	}
	return rest.Message{Text: text, Whole: strings.TrimSpace(string(body))}
}

// fault returns the error of a reply whose status says that there is one.
func (c *Client) fault(r *rest.Reply) *tenant.Error { return r.Fault(readMessage(r.Body)) }

// userFault is like fault, for a reply about one user. It adds what a person can do about
// the error. path is the path of the service.
func (c *Client) userFault(r *rest.Reply, path string) *tenant.Error {
	e := c.fault(r)
	switch {
	case e.Class == tenant.Denied && hasPolicy(r.Body, "License"):
		e.Common = "none of them has a license that the setting needs"
		e.Err = fmt.Errorf("this user has no license that the setting needs: assign one, or leave the user out (the service says: %w)", e.Err)
	case e.Class == tenant.Denied:
		var certain bool
		if e.Common, certain = advice(r); certain {
			e.Err = fmt.Errorf("%w; %s", e.Err, e.Common)
		}
	case r.Status == http.StatusNotFound:
		// Whether the path is right shows only when all rows are done: no row can say it.
		e.Common = fmt.Sprintf("the path %s may be wrong, not the users", path)
		e.Err = fmt.Errorf("%w (at the path %s: if no user is found there, the path may be wrong)", e.Err, path)
	}
	return e
}

// hasPolicy reports whether a body names a requirement that is not satisfied, of
// which name is a part, as UserRequireAdvancedMyALicense has License (seen in
// public texts of the same service).
func hasPolicy(body []byte, name string) bool {
	_, list, ok := strings.Cut(string(body), "requirements are not satisfied")
	return ok && strings.Contains(list, name)
}

// roles are the roles of Entra ID whose members may call the service. Certain: an error of
// the service says so, in public reports. Likely: that this applies to all its calls.
var roles = []string{
	"62e90394-69f5-4237-9190-012177145e10", // Global Administrator
	"29232cdf-9323-42fd-ade2-1d097af3e4de", // Exchange Administrator
	"69091246-20e8-4a56-aa4d-066075b2a7a8", // Teams Administrator
	"eb1f4a8d-243a-41f0-9fbd-c7cdf6c5ef7c", // Insights Administrator
}

// HasRole reports whether token says that its owner has one of the roles whose members may
// call the service. An owner without such a role may have a scope that is enough.
func HasRole(token string) bool {
	return slices.ContainsFunc(tenant.CallerOf(token).DirectoryRoles, func(id string) bool { return slices.Contains(roles, id) })
}

// RoleAdvice says which role to give to the owner of a token.
func RoleAdvice(token string) string {
	c := tenant.CallerOf(token)
	who := c.UPN
	if who == "" && c.App != "" {
		who = strings.TrimSpace("the application " + c.AppName + " " + c.App)
	}
	if who = tenant.Clean(who, token); who == "" {
		who = "the caller"
	}
	return "give " + who + " the role Exchange Administrator in Entra ID (or Global, Teams or Insights Administrator), and sign in again: a token has the roles of the time when it was issued"
}

// advice returns what to do about a refusal if the caller is the cause. certain is false if
// the user may be the cause as well: the service refuses some users of a tenant to every
// caller.
func advice(r *rest.Reply) (text string, certain bool) {
	caller := hasPolicy(r.Body, "WidsAuthorization") || hasPolicy(r.Body, "ScopeAuthorization")
	known := tenant.CallerOf(r.Token)
	switch {
	case caller && HasRole(r.Token):
		return "the caller lacks what the service requires, although it has a role that should be enough", true
	case caller, (known.App != "" || known.UPN != "") && !HasRole(r.Token):
		return "the caller lacks the role: " + RoleAdvice(r.Token), true
	case HasRole(r.Token):
		return "the caller has a role that should be enough, but it may not be in force yet: try again in an hour", false
	}
	return "the caller may lack the role: " + RoleAdvice(r.Token), false
}
