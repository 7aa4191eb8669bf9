package powershell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rollcall/tenant"
)

// errOtherVersion means that a version of the module can't be loaded, and that
// another one is to be tried: in another process, for this one has assemblies of
// the first.
var errOtherVersion = errors.New("this version of the module can't be loaded")

// start starts a process in the place that the caller holds, and signs in. The
// place is free again when the process has ended.
func (t *Tenant) start(ctx context.Context) (_ *process, err error) {
	free := func() { <-t.places }
	facts := Facts{Program: t.cfg.Program}
	hung := t.hungStarts()
	defer func() {
		t.setFacts(facts)
		t.noteStart(hung, err)
	}()
	program, err := find(t.cfg.Program)
	if err != nil {
		free()
		return nil, err
	}
	facts.Program = program
	p, err := t.launch(program, free)
	if err != nil {
		return nil, err
	}
	defer func() {
		p.notice.Store(nil)
		if err != nil {
			p.end()
			close(p.unused)
		}
	}()

	step := t.stepTimeout(hung)
	if err := t.begin(ctx, p, &facts, step); err != nil {
		return nil, err
	}
	if err := t.load(ctx, p, &facts, step); err != nil {
		return nil, err
	}
	c, err := t.cfg.SignIn.credential(ctx, t.refusedToken())
	if err != nil {
		return nil, noCredential(err)
	}
	if err := t.connect(ctx, p, c, &facts, step); err != nil {
		return nil, err
	}
	p.token, p.renew = c.token, renewal(time.Now(), c.expires)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live[p] { // or it has ended already
		t.ready++
		p.ready = true
	}
	return p, nil
}

// launch starts program and adds it to t.live until it has ended. It calls free if
// the start fails, and when the process has ended.
func (t *Tenant) launch(program string, free func()) (*process, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed() {
		free()
		return nil, errClosed
	}
	var p *process
	started := make(chan struct{})
	defer close(started)
	t.sweep.Do(sweepFolders)
	folder, err := makeFolder()
	if err != nil {
		free()
		return nil, err
	}
	p, err = startProcess(t.command(program, folder.path), folder.path, func() {
		<-started
		folder.remove()
		t.mu.Lock()
		delete(t.live, p)
		if p.ready {
			t.ready--
		}
		t.mu.Unlock()
		select {
		case t.died <- struct{}{}:
		default:
		}
		// The place is free when no call will use p again: so there are never
		// more processes in the pool than places.
		select {
		case <-p.unused:
		case <-t.closing:
		}
		free()
		t.ends.Done()
	})
	if err != nil {
		folder.remove()
		free()
		if isShortage(err) {
			err = &endedError{text: err.Error()}
			return nil, fmt.Errorf("start PowerShell: %w", err)
		}
		return nil, setupError("install PowerShell 7: https://aka.ms/powershell", "start PowerShell: %w", err)
	}
	t.live[p] = true
	t.ends.Add(1)
	if t.cfg.Notice != nil {
		notice := t.notice
		p.notice.Store(&notice)
	}
	p.lines <- preamble() // has room, for it is the first
	return p, nil
}

// begin sends p the script's settings, and puts into facts what is installed.
func (t *Tenant) begin(ctx context.Context, p *process, facts *Facts, timeout time.Duration) error {
	r, err := p.call(ctx, request{Op: "begin", Nonce: text(p.nonce), Noun: text(t.cfg.Noun), Folder: text(p.folder)}, timeout)
	if err != nil {
		return bootError(facts.Program, err)
	}
	facts.PowerShell = tenant.Clean(r.PowerShell)
	facts.Edition = tenant.Clean(r.Edition)
	facts.Modules = newestFirst(r.Modules)
	return nil
}

// load has p load the module: the best of the installed versions that were not found
// to be unloadable.
func (t *Tenant) load(ctx context.Context, p *process, facts *Facts, timeout time.Duration) error {
	unloadable := t.unloadableVersions()
	versions := slices.DeleteFunc(facts.candidates(), func(v string) bool { return unloadable[v] != "" })
	if len(versions) == 0 {
		return t.noModule(ctx, *facts, unloadable)
	}
	version := versions[0]
	r, err := p.call(ctx, request{Op: "import", Module: text(version)}, timeout)
	if err != nil {
		return fmt.Errorf("load PowerShell module %s %s: %w", moduleName, version, err)
	}
	if r.Error != nil {
		reason := tenant.Clean(r.Error.Message)
		if err := policyError(r.Error); err != nil {
			return err
		}
		if r.Error.mentions(memoryTexts) {
			return fmt.Errorf("load PowerShell module %s %s: %w", moduleName, version, &endedError{text: reason})
		}
		t.setUnloadable(version, reason)
		if len(versions) == 1 {
			return t.noModule(ctx, *facts, t.unloadableVersions())
		}
		t.remark(fmt.Sprintf("PowerShell module %s %s can't be loaded, and %s is tried: %s", moduleName, version, versions[1], reason))
		return errOtherVersion
	}
	facts.Module = version
	return nil
}

// connect has p sign in with c.
func (t *Tenant) connect(ctx context.Context, p *process, c credential, facts *Facts, timeout time.Duration) error {
	if t.cfg.SignIn.byHand() {
		timeout = personTimeout
	}
	secrets := c.secrets()
	p.secrets.Store(&secrets)
	if wait := t.cfg.SignIn.wait(); wait != "" && t.cfg.Notice != nil {
		t.notice(wait)
	}
	r, err := p.call(ctx, request{Op: "connect", Parameters: c.parameters}, timeout)
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
