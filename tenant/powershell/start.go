package powershell

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rollcall/tenant"
)

// errOtherVersion says that a version of the module can't be loaded, and that
// another one is to be tried: in another process, for this one has assemblies of
// the first.
var errOtherVersion = errors.New("this version of the module can't be loaded")

// begin has p begin to answer, and finds out what there is.
func (t *Tenant) begin(ctx context.Context, p *process, facts *Facts) error {
	r, err := p.call(ctx, request{Op: "begin", Nonce: text(p.nonce), Noun: text(t.cfg.Noun), Folder: text(p.folder)}, t.cfg.Timeout)
	if err != nil {
		return bootError(facts.Program, err)
	}
	facts.PowerShell = tenant.Clean(r.PowerShell)
	facts.Edition = tenant.Clean(r.Edition)
	facts.Modules = newestFirst(r.Modules)
	return nil
}

// load has p load the module: of the versions that are installed the first that
// is worth a try. Which of them can't be loaded is remembered.
func (t *Tenant) load(ctx context.Context, p *process, facts *Facts) error {
	unfit := t.unfitVersions()
	versions := slices.DeleteFunc(facts.candidates(), func(v string) bool { return unfit[v] != "" })
	if len(versions) == 0 {
		return t.noModule(ctx, *facts, unfit)
	}
	version := versions[0]
	r, err := p.call(ctx, request{Op: "import", Module: text(version)}, t.cfg.Timeout)
	if err != nil {
		return fmt.Errorf("load PowerShell module %s %s: %w", moduleName, version, err)
	}
	if r.Error != nil {
		reason := tenant.Clean(r.Error.Message)
		if err := policyError(r.Error); err != nil {
			return err
		}
		t.setUnfit(version, reason)
		if len(versions) == 1 {
			return t.noModule(ctx, *facts, t.unfitVersions())
		}
		t.remark(fmt.Sprintf("PowerShell module %s %s can't be loaded, and %s is tried: %s", moduleName, version, versions[1], reason))
		return errOtherVersion
	}
	facts.Module = version
	return nil
}

// connect has p sign in. What it signs in with is c.
func (t *Tenant) connect(ctx context.Context, p *process, c credential, facts *Facts) error {
	secrets := c.secrets()
	p.secrets.Store(&secrets)
	if wait := t.cfg.SignIn.wait(); wait != "" && t.cfg.Notice != nil {
		t.notice(wait)
	}
	r, err := p.call(ctx, request{Op: "connect", Parameters: c.parameters}, t.signInTimeout())
	if err != nil && ctx.Err() == nil && t.cfg.SignIn.byHand() {
		// Another try would ask the person again.
		return setupError("", "sign in with Connect-ExchangeOnline: %w", err)
	}
	if err != nil {
		return fmt.Errorf("sign in with Connect-ExchangeOnline: %w", err)
	}
	if r.Error != nil {
		return t.refusal(r.Error, secrets)
	}
	facts.Account = tenant.Clean(r.Account, secrets...)
	facts.TenantID = tenant.Clean(r.TenantID, secrets...)
	if err := t.checkTenant(ctx, *facts); err != nil {
		return err
	}
	facts.SignedIn = true
	for _, name := range r.Cmdlets {
		facts.Cmdlets = append(facts.Cmdlets, tenant.Clean(name, secrets...))
	}
	p.cmdlets = facts.Cmdlets
	return nil
}
