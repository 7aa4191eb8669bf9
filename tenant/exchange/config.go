package exchange

import (
	"fmt"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// A Config says what a [Client] connects to, and how.
type Config struct {
	rest.Config

	// Organization is the tenant's ID, a GUID. Required.
	Organization string

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
	if !isGUID(cfg.Organization) {
		return nil, fmt.Errorf("organization %q: want the tenant's ID, a GUID such as 11111111-2222-3333-4444-555555555555", cfg.Organization)
	}
	endpoint := client.Endpoint()
	list := endpoint.JoinPath("adminapi", "v1.0", cfg.Organization, "EXOModuleFile")
	list.RawQuery = "Version=" + moduleVersion
	return &Client{
		rest:         client,
		organization: cfg.Organization,
		warn:         cfg.Warn,
		template:     newTemplate(endpoint.JoinPath("adminapi", "beta", cfg.Organization, "InvokeCommand")),
		batchURL:     endpoint.JoinPath("adminapi", "beta", cfg.Organization, "$batch"),
		list:         list,
		header:       newHeader(newGUID()),
	}, nil
}
