package exchange

import (
	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// A Config says what a [Client] connects to, and how.
type Config struct {
	rest.Config

	// Warn, unless nil, is told of each warning that comes with a reply, by
	// the goroutine that runs c.
	Warn func(c tenant.Cmdlet, text string)
}

// New returns a Client. It sends nothing: the first error that has to do with
// the tenant is that of the first call.
func New(cfg Config) (*Client, error) {
	client, err := rest.New(cfg.Config, func(r *rest.Reply) *tenant.Error { return r.Fault(readMessage(r.Body)) })
	if err != nil {
		return nil, err
	}
	return &Client{rest: client, warn: cfg.Warn, template: newTemplate(client.Endpoint()), header: newHeader(tenant.NewGUID())}, nil
}
