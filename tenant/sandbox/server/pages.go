package server

import (
	"net/http"
	"rollcall/tenant"
	"sync"
	"time"
)

const (
	pageLife  = 5 * time.Minute // how long the link to a page is good for
	pageLimit = 10_000          // how many links are good at one time: the last ones
)

// pages are the second pages of replies, by the token that their links have.
// The zero value is ready for use, by several goroutines at once.
type pages struct {
	mu      sync.Mutex
	byToken map[string]reply
	tokens  []pageToken // oldest first
}

type pageToken struct {
	token string
	made  time.Time
}

// put keeps r for a while, and returns the token to get it with.
func (p *pages) put(r reply) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byToken == nil {
		p.byToken = make(map[string]reply)
	}
	r.notes = "" // they were on the first page
	t := pageToken{tenant.NewGUID(), time.Now()}
	p.byToken[t.token] = r
	p.tokens = append(p.tokens, t)
	p.expire()
	return t.token
}

// get sets r to the reply that was put under token, and reports whether there
// is one. It stays: a page that was lost is asked for again.
func (p *pages) get(token string, r *reply) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire()
	found, ok := p.byToken[token]
	if ok {
		*r = found
	}
	return ok
}

func (p *pages) expire() {
	for len(p.tokens) > pageLimit || len(p.tokens) > 0 && time.Since(p.tokens[0].made) >= pageLife {
		delete(p.byToken, p.tokens[0].token)
		p.tokens = p.tokens[1:]
	}
}

// nextLink returns the address of the page of e that token gets, at the server
// that r was sent to.
func nextLink(r *http.Request, e endpoint, token string) string {
	return base(r) + e.path() + "?$skiptoken=" + token
}

// base returns the address of the server that r was sent to.
func base(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
