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
// for each process. Other output is passed on while the process signs in, for it may
// have the code that a person is to type, and dropped later. A process is started
// when all others are busy: the first alone, and after it has signed in up to three
// at once. A start that fails fails no call while there are other processes. A
// process that fails to answer, for whatever reason, is killed with all that it
// started, and the call fails as [tenant.Unavailable]: the next one uses or starts
// another. If it fails so before it has signed in, the cmdlet was not sent. A process
// that has run thousands of cmdlets, or whose token is about to expire, is replaced
// between two of them.
//
// Secrets go over standard input only, and are removed from every text that comes
// back. The arguments of a cmdlet are never part of a command's text: the bridge runs
// only Get- and Set- of one noun, as Get-Command found them in the module, and passes
// parameters by splatting.
//
// Most often the token comes from rollcall; the module itself signs in only by a
// thumbprint and by hand (signin.go). The tenant that a process has signed in to is
// compared with the one that was named (tenantid.go). The newest version of the module
// is loaded that this PowerShell can load (module.go). A process has a folder of its
// own for its temporary files (folder.go), and none of rollcall's secrets in its
// environment (environment.go).
//
// The module hides what the service replied: the status, Retry-After, often the
// reason. In PowerShell 7 the bridge sees the reply itself (failure.ps1). In Windows
// PowerShell there are only the texts of errors (fault.go), and how long the service
// asks to wait is not known.
//
// A text that is given for a parameter is converted to the parameter's type by
// PowerShell's rules (parameters.ps1); what a cmdlet writes keeps its type
// (values.ps1).
//
// This package was not tried against Microsoft 365. It was tried with the real
// module, in a real PowerShell, against a server that recorded each request; its
// tests have a stand-in that does what the real module was seen to do.
//
// Certain, for they were seen or are in the module's documentation: the parameters
// of Connect-ExchangeOnline, and -AccessToken since 3.1.0; the texts of errors; that
// an expired token is sent as it is; that PowerShell leaves standard input alone
// under -Command if the command doesn't use it; that cmdlets of the service arrive
// in a module called tmpEXO_ and something, and are gone when a session is lost;
// "Access to the requested resource is forbidden" for single users.
//
// Likely, for one source has it or it is so for modules of the same kind: that
// errors of Exchange's own cmdlets have the exception classes of the REST interface
// in their messages, that -NonInteractive hinders neither a device code nor a
// browser.
//
// Unknown: whether the module speaks anything but English where PowerShell does.
package powershell

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Tenant runs cmdlets in PowerShell. It is a [tenant.Runner], and safe for
// use by several goroutines at once.
type Tenant struct {
	cfg Config

	// A process is in idle, or in use by one call. Each holds a place from before
	// its start until after its end, so that there are never more than
	// cfg.Processes.
	idle     chan *process
	places   chan struct{}
	starting chan struct{} // held by the calls that start processes
	died     chan struct{} // holds one when a process has ended
	closing  chan struct{} // closed by Close

	sweep     sync.Once // removes what earlier runs left, before the first start
	closeOnce sync.Once
	signedIn  sync.Once  // the first to sign in lets others start side by side
	noticing  sync.Mutex // held while cfg.Notice or cfg.Remark is called

	mu         sync.Mutex
	live       map[*process]bool
	ends       sync.WaitGroup    // of live; added to under mu, while not closing
	facts      Facts             // of the last start
	unloadable map[string]string // versions of the module that can't be loaded, with the reason
	verified   string            // the ID of the tenant that was named, once it was looked up
	ready      int               // processes of live that have signed in
	startAfter time.Time         // when a further one may be started, if any is ready
	hung       int               // starts in a row that hung
	refused    string            // one that the service has refused, or ""

	refusals refusals
}

// errClosed is the error of a call to a Tenant that is closed or being closed.
var errClosed = errors.New("the PowerShell processes were ended")

// Connect starts the first process and signs in. The error is a [*SetupError] if a
// person has to correct something first, and a [*tenant.Error] that is transient if a later
// attempt may succeed: so it is if the process ends or hangs before it has signed in.
func (t *Tenant) Connect(ctx context.Context) error {
	p, err := t.acquire(ctx)
	_, setup := errors.AsType[*SetupError](err)
	_, ended := errors.AsType[*endedError](err)
	switch {
	case ended && !setup:
		return unavailable(err)
	case err != nil:
		return err
	}
	defer t.release(p)
	return t.checkCmdlet(p.cmdlets, "Get-"+t.cfg.Noun)
}

// CanSet returns an error if there was no Set- cmdlet for the noun after the last
// sign-in.
func (t *Tenant) CanSet() error { return t.checkCmdlet(t.Found().Cmdlets, "Set-"+t.cfg.Noun) }

// checkCmdlet returns an error if name is not among cmdlets.
func (t *Tenant) checkCmdlet(cmdlets []string, name string) error {
	if slices.ContainsFunc(cmdlets, func(s string) bool { return strings.EqualFold(s, name) }) {
		return nil
	}
	return setupError("ask for a role that has it: Exchange Administrator or, for MyAnalytics, Insights Administrator",
		"cmdlet %s is not there after signing in: this module (%s %s) has no such cmdlet, or this caller may not run it", name, moduleName, t.Found().Module)
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
