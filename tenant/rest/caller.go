package rest

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// A Caller is whom a token says it is of. What it does not say is empty.
type Caller struct {
	UPN  string // of a person
	App  string // ID of the application that signed in
	Name string // of the application
	// Tenant is the ID of the tenant, a GUID in lower case.
	Tenant string
	// Roles are IDs of roles in Entra ID, in lower case.
	Roles []string
}

// CallerOf reads token without verifying it, which is the service's business. It
// reads less than package entra's Inspect, which imports what signs in.
func CallerOf(token string) Caller {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, ok := strings.Cut(rest, ".")
	if !ok {
		return Caller{}
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(payload, "="))
	var claims map[string]any
	if err != nil || json.Unmarshal(b, &claims) != nil {
		return Caller{}
	}
	text := func(name string) string {
		s, _ := claims[name].(string)
		return s
	}
	c := Caller{App: text("appid"), Name: text("app_displayname")}
	if c.App == "" {
		c.App = text("azp")
	}
	if text("idtyp") != "app" {
		c.UPN = text("upn")
	}
	if id := text("tid"); isGUID(id) {
		c.Tenant = strings.ToLower(id)
	}
	list, _ := claims["wids"].([]any)
	for _, v := range list {
		if id, ok := v.(string); ok {
			c.Roles = append(c.Roles, strings.ToLower(id))
		}
	}
	return c
}
