package entra

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"rollcall/tenant"
)

// Claims are what a token says of itself.
type Claims struct {
	Tenant         string    // ID of the tenant
	App            string    // ID of the application that signed in
	Name           string    // UPN of the person, or name of the application
	Audience       string    // what the token is for
	Roles          []string  // permissions of the application, such as Exchange.ManageAsApp
	Scopes         []string  // permissions in a person's name, such as Exchange.Manage
	DirectoryRoles []string  // roles in Entra ID, by name, or by ID if that is not known
	Expires        time.Time // or the zero value
	AppOnly        bool      // it is the application's own, not a person's
}

// directoryRoles are the roles that decide about the cmdlets which rollcall
// runs. Certain: Microsoft's list of built-in roles.
var directoryRoles = map[string]string{
	"62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
	"29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
	"69091246-20e8-4a56-aa4d-066075b2a7a8": "Teams Administrator",
	"eb1f4a8d-243a-41f0-9fbd-c7cdf6c5ef7c": "Insights Administrator",
	"f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
}

// Inspect reads a token without verifying it, which is the business of who it
// is for. What it does not say is empty, and all is if the token is not a JWT.
//
// Package exchange reads the one claim that it needs by itself, for it imports
// nothing but tenant.
func Inspect(token string) Claims {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(payload, "="))
	var claims map[string]any
	if err != nil || json.Unmarshal(b, &claims) != nil {
		return Claims{}
	}
	text := func(names ...string) string {
		for _, name := range names {
			if s, _ := claims[name].(string); s != "" {
				return tenant.Clean(s)
			}
		}
		return ""
	}
	texts := func(name string) (all []string) {
		list, ok := claims[name].([]any)
		if !ok {
			list = []any{claims[name]}
		}
		for _, v := range list {
			if s, _ := v.(string); s != "" {
				all = append(all, tenant.Clean(s))
			}
		}
		return all
	}

	c := Claims{
		Tenant: text("tid"),
		App:    text("appid", "azp"),
		Name:   text("upn", "preferred_username", "unique_name", "app_displayname"),
		Roles:  texts("roles"),
		Scopes: strings.Fields(text("scp")),
	}
	if aud := texts("aud"); len(aud) > 0 {
		c.Audience = aud[0]
	}
	for _, id := range texts("wids") {
		if name, ok := directoryRoles[strings.ToLower(id)]; ok {
			id = name
		}
		if !slices.Contains(c.DirectoryRoles, id) {
			c.DirectoryRoles = append(c.DirectoryRoles, id)
		}
	}
	if exp, ok := claims["exp"].(float64); ok && 0 < exp && exp < 1e11 {
		c.Expires = time.Unix(int64(exp), 0).UTC()
	}
	// The claim idtyp is optional; without it, it is a person's token that
	// has scopes.
	c.AppOnly = text("idtyp") == "app" || text("idtyp") == "" && len(c.Scopes) == 0 && text("upn") == "" && c.App != ""
	return c
}
