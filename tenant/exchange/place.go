package exchange

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// systemMailbox is a mailbox that every tenant has (seen in several public
// clients; not documented).
const systemMailbox = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"

// A place is where requests with a token go to. The mailbox, their anchor, says
// which of the service's servers that is: the one that has it. It changes nothing
// about what is allowed.
type place struct {
	token               string // that it is for; no text may show it
	mailbox             string
	invoke, batch, list *url.URL
	header              http.Header // that all requests have in common
	before, after       string      // in each part of a batch, the cmdlet's name
}

// placeFor returns where requests with token go to. A run has few tokens and many
// calls, so the last one is kept.
//
// The tenant is named by its ID, which certainly works: by the token's if it was
// given as a domain. A domain is sent only if the token does not say of which
// tenant it is (likely to work: two public clients do that).
func (c *Client) placeFor(token string) *place {
	if p := c.place.Load(); p != nil && p.token == token {
		return p
	}
	organization := c.rest.Organization()
	if id := rest.TenantID(organization, token); id != "" {
		organization = id
	}
	path := c.rest.Endpoint().JoinPath
	p := &place{
		token:   token,
		mailbox: mailboxFor(token, organization),
		invoke:  path("adminapi", "beta", organization, "InvokeCommand"),
		batch:   path("adminapi", "beta", organization, "$batch"),
		list:    path("adminapi", "v1.0", organization, "EXOModuleFile"),
	}
	p.list.RawQuery = "Version=" + moduleVersion
	p.header = maps.Clone(c.header)
	p.header.Set("Authorization", "Bearer "+token)
	p.header.Set("X-AnchorMailbox", p.mailbox)
	p.before, p.after = partTexts(p)
	c.place.Store(p)
	return p
}

// mailboxFor returns the anchor's value: the person's mailbox if the token is
// a person's, the tenant's system mailbox if it is an application's or does
// not say (both forms are seen in several public clients; not documented).
//
// The token is read without verifying it, which is the service's business: a
// wrong anchor only makes a longer way.
func mailboxFor(token, organization string) string {
	if upn := tenant.CallerOf(token).UPN; canAnchor(upn) {
		return "UPN:" + upn
	}
	return "APP:" + systemMailbox + "@" + organization
}

// canAnchor reports whether upn can stand in a header.
func canAnchor(upn string) bool {
	return strings.Contains(upn, "@") && utf8.ValidString(upn) && upn == tenant.Clean(upn) && !strings.Contains(upn, " ")
}
