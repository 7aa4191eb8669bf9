package entra

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"rollcall/tenant"
)

// TenantID returns the ID of the tenant that has a domain, as Entra ID tells
// anyone who asks. Of cfg it uses Cloud, Authority and Transport.
//
// The error is ctx.Err() if ctx has ended, or else a [*tenant.Error].
func TenantID(ctx context.Context, cfg Config, domain string) (string, error) {
	cfg.fill()
	fail := func(class tenant.Class, status int, text string) error {
		return &tenant.Error{Op: "look up", Object: "tenant " + domain, Class: class, Status: status, Err: fmt.Errorf("%s", tenant.Clean(text))}
	}
	if !isTenant(domain) {
		return "", fail(tenant.Unauthorized, 0, "want its ID or a domain such as contoso.onmicrosoft.com")
	}
	authority, err := cfg.authority()
	if err != nil {
		return "", fail(tenant.Unauthorized, 0, err.Error())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(authority.String(), "/")+"/"+url.PathEscape(domain)+"/v2.0/.well-known/openid-configuration", nil)
	if err != nil {
		return "", fail(tenant.Unauthorized, 0, err.Error())
	}
	resp, err := cfg.Transport.Do(req)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", fail(tenant.Unavailable, 0, transportText(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", fail(tenant.Unavailable, 0, transportText(err))
	case passing(resp, nil):
		return "", fail(tenant.Unavailable, resp.StatusCode, answerText(answer{}, resp.StatusCode))
	case resp.StatusCode != http.StatusOK:
		var a answer
		json.Unmarshal(body, &a)
		return "", fail(tenant.Unauthorized, resp.StatusCode, answerText(a, resp.StatusCode))
	}
	var found struct {
		Issuer string `json:"issuer"`
	}
	json.Unmarshal(body, &found)
	// Certain: the path of an issuer begins with the ID.
	u, err := url.Parse(found.Issuer)
	if err != nil {
		return "", fail(tenant.Unavailable, 0, "the reply is not one of Entra ID's")
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if !tenant.IsGUID(id) {
		return "", fail(tenant.Unavailable, 0, "the reply is not one of Entra ID's")
	}
	return id, nil
}
