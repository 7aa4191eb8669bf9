package rest

import (
	"fmt"
	"strings"

	"rollcall/tenant"
)

// CheckOrganization returns an error if s is neither a GUID nor a domain. It
// becomes part of a path.
func CheckOrganization(s string) error {
	if tenant.IsGUID(s) {
		return nil
	}
	if !strings.Contains(s, ".") || len(s) > 255 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") != "" ||
		strings.Trim(s, ".-") != s || strings.Contains(s, "..") {
		return fmt.Errorf("organization %q: want the tenant's ID, a GUID, or one of its domains, such as contoso.onmicrosoft.com", s)
	}
	return nil
}

// TenantID returns the GUID of organization, a GUID or a domain, as far as it is
// known to the bearer of token, or "". The token is of the tenant that its owner
// has signed in to, by that name.
func TenantID(organization, token string) string {
	if tenant.IsGUID(organization) {
		return strings.ToLower(organization)
	}
	return tenant.CallerOf(token).Tenant
}

// checkTenant returns an error if token says that it is of another tenant than
// organization, as far as that can be told.
func checkTenant(organization, token string) error {
	if is := tenant.CallerOf(token).Tenant; is != "" && tenant.IsGUID(organization) && !strings.EqualFold(is, organization) {
		return fmt.Errorf("it is of the tenant %s: want one of %s", is, organization)
	}
	return nil
}
