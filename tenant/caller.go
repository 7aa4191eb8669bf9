package tenant

import (
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A Caller is whom an access token says it is of. What it does not say is empty.
// All of it can be shown.
type Caller struct {
	Tenant         string    // ID of the tenant, a GUID in lower case
	App            string    // ID of the application that signed in
	AppName        string    // its name
	UPN            string    // of the person who signed in
	Name           string    // of the person, by UPN if that is known
	Roles          []string  // permissions of the application, such as Exchange.ManageAsApp
	Audiences      []string  // whom the token is for: URLs of services, or IDs of their applications
	Scopes         []string  // permissions in a person's name, such as Exchange.Manage
	DirectoryRoles []string  // IDs of roles in Entra ID, in lower case
	Expires        time.Time // when the token does, or the zero value
	AppOnly        bool      // the token is the application's own, not a person's
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

var tokens = jwt.NewParser(jwt.WithPaddingAllowed())

// CallerOf reads a token without verifying it, which is the business of who it is
// for. A token that is no JWT says nothing.
func CallerOf(token string) Caller {
	claims := jwt.MapClaims{}
	tokens.ParseUnverified(token, claims) // whatever it finds wrong besides, the claims are what they are
	text := func(names ...string) string {
		for _, name := range names {
			if s, _ := claims[name].(string); s != "" {
				return Clean(s)
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
				all = append(all, Clean(s))
			}
		}
		return all
	}

	c := Caller{
		App:     text("appid", "azp"),
		AppName: text("app_displayname"),
		Roles:   texts("roles"),

		Audiences: texts("aud"),
		Scopes:    strings.Fields(text("scp")),
	}
	if id := text("tid"); IsGUID(id) {
		c.Tenant = strings.ToLower(id)
	}
	if text("idtyp") != "app" {
		c.UPN, c.Name = text("upn"), text("upn", "preferred_username", "unique_name")
	}
	for _, id := range texts("wids") {
		if id = strings.ToLower(id); !slices.Contains(c.DirectoryRoles, id) {
			c.DirectoryRoles = append(c.DirectoryRoles, id)
		}
	}
	if exp, ok := claims["exp"].(float64); ok && 0 < exp && exp < 1e11 {
		c.Expires = time.Unix(int64(exp), 0).UTC()
	}
	// The claim idtyp is optional; without it, it is a person's token that
	// has scopes.
	c.AppOnly = text("idtyp") == "app" || text("idtyp") == "" && len(c.Scopes) == 0 && c.UPN == "" && c.App != ""
	return c
}

// DirectoryRoleNames returns the names of DirectoryRoles, and the IDs of those that
// have none here.
func (c *Caller) DirectoryRoleNames() []string {
	var names []string
	for _, id := range c.DirectoryRoles {
		name, ok := directoryRoles[id]
		if !ok {
			name = id
		}
		names = append(names, name)
	}
	return names
}
