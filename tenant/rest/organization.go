package rest

import (
	"fmt"
	"strings"
)

// CheckOrganization returns an error if s is neither a GUID nor a domain. It
// becomes part of a path.
func CheckOrganization(s string) error {
	if isGUID(s) {
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
	if isGUID(organization) {
		return strings.ToLower(organization)
	}
	return CallerOf(token).Tenant
}

// checkTenant returns an error if token says that it is of another tenant than
// organization, as far as that can be told.
func checkTenant(organization, token string) error {
	if is := CallerOf(token).Tenant; is != "" && isGUID(organization) && !strings.EqualFold(is, organization) {
		return fmt.Errorf("it is of the tenant %s: want one of %s", is, organization)
	}
	return nil
}

// isGUID reports whether s is written as a GUID is.
func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'):
			return false
		}
	}
	return true
}
