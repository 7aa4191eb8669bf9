// Package powershell runs cmdlets of Microsoft's ExchangeOnlineManagement
// module, in a pool of PowerShell processes: the way that Microsoft supports.
// Package insights reaches the user cmdlets of Viva Insights, which the module has
// compiled in, without it, and users whom the module can't name, too.
//
//	Run ─→ idle process ─→ request ─→ bridge.ps1 ─→ & cmdlet @parameters
//	            ↑ │                       │
//	            │ └ none: start, sign in  │
//	            └───── objects, error ←───┘ reply
//
// A process signs in once, with Connect-ExchangeOnline, and then carries out
// one request at a time: one line of JSON in, one line of JSON out, both of
// them ASCII (message.go). Lines of the bridge begin with a mark that is new
// for each process; all else that a process writes is noise, which is passed on
// while it signs in, for a code to type elsewhere may be in it, and dropped
// later. Processes are started one after another, when all others are busy. One
// that fails to answer, for whatever reason, is killed with all that it
// started, and the call fails as [tenant.Unavailable]: the next one finds or
// starts another.
//
// Secrets go over standard input only, and are taken out of every text that
// comes back. What a cmdlet is given is never part of a command's text: the
// bridge runs Get- and Set- of one noun, calls what Get-Command found in the
// module, and gives it its parameters by splatting.
//
// This package could not be tried against Microsoft 365, and was written where
// there was no PowerShell: what is tested here is all but bridge.ps1, which has
// a test of its own that needs PowerShell and a module of that name to stand in
// for the real one. Facts are sorted as follows.
//
// Certain, for they are in the module's documentation, in PowerShell's source,
// or in several public scripts: the parameters of Connect-ExchangeOnline, and
// -AccessToken since 3.1.0; that PowerShell leaves standard input alone under
// -Command if the command doesn't use it; that cmdlets of the service arrive
// in a module called tmpEXO_ and something, and are gone when a session is
// lost; "Access to the requested resource is forbidden" for single users.
//
// Likely, for one source has it or it is so for modules of the same kind: how
// an expired token shows, that errors have the exception classes of the REST
// interface in their messages, that -NonInteractive hinders neither a device
// code nor a browser.
//
// Unknown: how the compiled cmdlets show throttling, whether they ask to wait,
// and whether the module speaks anything but English where PowerShell does.
package powershell

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"rollcall/tenant"
)

// A Tenant runs cmdlets in PowerShell. It is a [tenant.Runner], and safe for
// use by several goroutines at once.
type Tenant struct {
	cfg           Config
	signInTimeout time.Duration

	// A process is in idle, or in the hands of one call. Each holds a place,
	// from before its start until after its end, so that there are never more
	// than cfg.Processes.
	idle    chan *process
	places  chan struct{}
	turn    chan struct{} // held by the call that starts a process
	closing chan struct{} // closed by Close

	closeOnce sync.Once
	noticing  sync.Mutex // held while cfg.Notice is called

	mu    sync.Mutex
	live  map[*process]bool
	ends  sync.WaitGroup // of live; added to under mu, while not closing
	facts Facts          // of the last start
}

// Facts are what there is to run cmdlets with: of a start that failed, as far
// as it got.
type Facts struct {
	Program    string   // its path
	PowerShell string   // version
	Edition    string   // Core, or Desktop for Windows PowerShell
	Module     string   // version, or "" if it is not installed
	Cmdlets    []string // which of Get- and Set- of the noun there are, once signed in
}

// errClosed is what a call to a Tenant meets that is or was being closed.
var errClosed = errors.New("the PowerShell processes were ended")

// Connect starts the first process and signs in. A [*SetupError] says what a
// person has to put right.
func (t *Tenant) Connect(ctx context.Context) error {
	p, err := t.acquire(ctx)
	if err != nil {
		return err
	}
	defer t.release(p)
	return t.checkCmdlet(p, "Get-"+t.cfg.Noun)
}

// Facts connects like Connect, and returns what it found out along with the
// error of the step that failed.
func (t *Tenant) Facts(ctx context.Context) (Facts, error) {
	err := t.Connect(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.facts
	f.Cmdlets = slices.Clone(f.Cmdlets)
	return f, err
}

// checkCmdlet returns an error if the module has no cmdlet called name for p.
func (t *Tenant) checkCmdlet(p *process, name string) error {
	if slices.ContainsFunc(p.cmdlets, func(s string) bool { return strings.EqualFold(s, name) }) {
		return nil
	}
	return setupError("ask for a role that has it, or Update-Module "+moduleName,
		"cmdlet %s is not there after signing in: this module (%s) has no such cmdlet, or this caller may not run it", name, t.found().Module)
}

// Run runs c and returns the objects that it wrote, or an error: never some of
// the objects only.
//
// The error is a [*tenant.Error], except in three cases. If ctx has ended, it
// is ctx.Err() with c's name and user. If c can't be sent to any tenant, or
// is about another noun, or a user whom Microsoft's module can't name, it says
// why, and nothing was sent. If t is closed, it says so.
func (t *Tenant) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Noun() != t.cfg.Noun {
		return nil, fmt.Errorf("run %s: this tenant was made for %s only", c.Name, t.cfg.Noun)
	}
	if err := checkIdentity(c); err != nil {
		return nil, err
	}
	list, err := parameters(c)
	if err != nil {
		return nil, err
	}
	objects, err := t.run(ctx, c, list)
	if err == nil {
		return objects, nil
	}
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s %s: %w", c.Name, c.Identity, ctx.Err())
	case errors.Is(err, errClosed), t.closed():
		return nil, fmt.Errorf("%s %s: %w", c.Name, c.Identity, errClosed)
	}
	e, ok := errors.AsType[*tenant.Error](err)
	if !ok {
		e = &tenant.Error{Class: tenant.Unavailable, Unreachable: true, Err: err}
		if _, ok := errors.AsType[*SetupError](err); ok {
			e.Class, e.Unreachable = tenant.Unauthorized, false // no call will fare better
		}
	}
	e.Op, e.Object = c.Name, c.Identity
	return nil, e
}

// run makes one attempt.
func (t *Tenant) run(ctx context.Context, c tenant.Cmdlet, list []parameter) ([]tenant.Object, error) {
	p, err := t.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer t.release(p)
	if err := t.checkCmdlet(p, c.Name); err != nil {
		return nil, err
	}
	r, err := p.call(ctx, request{Op: "run", Cmdlet: text(c.Name), Parameters: list}, t.cfg.Timeout)
	if err != nil {
		return nil, err
	}
	if t.cfg.Warn != nil {
		for _, w := range r.Warnings {
			t.cfg.Warn(c, tenant.Clean(w, *p.secrets.Load()...))
		}
	}
	objects, e, lost := r.ran(*p.secrets.Load())
	switch {
	case lost:
		// A process whose session is over is replaced by one that signs in
		// anew. If it was that already, doing so again would not help.
		p.end()
		e.Class = tenant.Unavailable
		if !p.proved {
			e.Class = tenant.Unauthorized
		}
		return nil, e
	case e != nil:
		p.proved = p.proved || e.Class != tenant.Unavailable
		return nil, e
	case objects == nil:
		p.end()
		return nil, &endedError{"PowerShell sent a reply without objects or error"}
	}
	p.proved = true
	return objects, nil
}

// String returns the tenant that t is of. It keeps what prints a Tenant from
// printing what is in it.
func (t *Tenant) String() string {
	of := t.cfg.SignIn.Organization
	if of == "" {
		of = t.cfg.SignIn.Account
	}
	if of == "" {
		of = "Exchange Online"
	}
	program := t.cfg.Program
	if program == "" {
		program = "PowerShell"
	}
	return of + " through " + filepath.Base(program)
}

func (t *Tenant) found() Facts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.facts
}

func (t *Tenant) setFacts(f Facts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.facts = f
}

func (t *Tenant) notice(text string) {
	t.noticing.Lock()
	defer t.noticing.Unlock()
	t.cfg.Notice(text)
}
