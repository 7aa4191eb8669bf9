package exchange

import (
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// systemMailbox is a mailbox that every tenant has (seen in several public
// clients; not documented).
const systemMailbox = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"

// An anchor says which of the service's servers a request is to go to: the
// one that has this mailbox. It changes nothing about what is allowed.
type anchor struct {
	token   uint64 // a hash of the token that it was made for
	mailbox string
}

var anchorSeed = maphash.MakeSeed()

// anchorFor returns the mailbox that requests with token are anchored to. A
// run has few tokens and many calls, so the last one is kept.
func (c *Client) anchorFor(token string) string {
	h := maphash.String(anchorSeed, token)
	if a := c.anchor.Load(); a != nil && a.token == h {
		return a.mailbox
	}
	a := &anchor{token: h, mailbox: mailboxFor(token, c.organization)}
	c.anchor.Store(a)
	return a.mailbox
}

// mailboxFor returns the anchor's value: the person's mailbox if the token is
// a person's, the tenant's system mailbox if it is an application's or does
// not say (both forms are seen in several public clients; not documented).
//
// The token is read without verifying it, which is the service's business: a
// wrong anchor only makes a longer way.
func mailboxFor(token, organization string) string {
	if upn := rest.CallerOf(token).UPN; canAnchor(upn) {
		return "UPN:" + upn
	}
	return "APP:" + systemMailbox + "@" + organization
}

// canAnchor reports whether upn can stand in a header.
func canAnchor(upn string) bool {
	return strings.Contains(upn, "@") && utf8.ValidString(upn) && upn == tenant.Clean(upn) && !strings.Contains(upn, " ")
}
