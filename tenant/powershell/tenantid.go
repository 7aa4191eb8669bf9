package powershell

import (
	"context"
	"fmt"
	"strings"
)

// checkTenant returns an error if a process has signed in to another tenant than
// the one that was named. Someone who signs in by hand may be any tenant's
// administrator.
func (t *Tenant) checkTenant(ctx context.Context, f Facts) error {
	named := t.cfg.SignIn.Organization
	_, domain, _ := strings.Cut(f.Account, "@")
	if named == "" || f.TenantID == "" || strings.EqualFold(named, f.TenantID) || t.cfg.SignIn.byHand() && strings.EqualFold(named, domain) {
		return nil
	}
	id := named
	if strings.Contains(named, ".") {
		if t.cfg.TenantID == nil || t.isVerified(f.TenantID) {
			return nil
		}
		var err error
		if id, err = t.cfg.TenantID(ctx, named); err != nil {
			what := fmt.Sprintf("find out whether %s is the tenant that was signed in to, %s (an ID as the organization needs no look-up)", named, f.TenantID)
			if t.cfg.SignIn.byHand() && ctx.Err() == nil {
				return setupError("", "%s: %v", what, err) // the person is not asked again
			}
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if strings.EqualFold(id, f.TenantID) {
		t.mu.Lock()
		t.verified = f.TenantID
		t.mu.Unlock()
		return nil
	}
	who := ""
	if f.Account != "" {
		who = " as " + f.Account
	}
	return setupError("sign in to the tenant that is named as the organization, or name the other one",
		"signed in%s to the tenant %s, and the organization %s is the tenant %s: nothing was done there", who, f.TenantID, named, id)
}

// isVerified reports whether id has been found to be that of the tenant that was
// named.
func (t *Tenant) isVerified(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.verified == id
}
