package powershell

import (
	"context"
	"slices"
)

// Facts are what was found when a process was started: all that was found until
// then, if the start failed.
type Facts struct {
	Program    string   // its path
	PowerShell string   // version, or "" if it does not answer
	Edition    string   // Core, or Desktop for Windows PowerShell
	Modules    []string // the versions that are installed, newest first
	Module     string   // the version that is loaded, or ""
	SignedIn   bool
	Account    string   // who signed in, or ""
	TenantID   string   // to which tenant, or "" if the module does not say
	Cmdlets    []string // which of Get- and Set- of the noun there are, once signed in
}

// Found returns the facts of the last start.
func (t *Tenant) Found() Facts {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.facts
	f.Cmdlets, f.Modules = slices.Clone(f.Cmdlets), slices.Clone(f.Modules)
	return f
}

// Facts connects like Connect, and returns the facts along with the error of the
// step that failed.
func (t *Tenant) Facts(ctx context.Context) (Facts, error) {
	err := t.Connect(ctx)
	return t.Found(), err
}

func (t *Tenant) setFacts(f Facts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.facts = f
}

// String returns the kind, version and path of the PowerShell.
func (f *Facts) String() string {
	name := "PowerShell "
	if f.Edition == "Desktop" {
		name = "Windows PowerShell "
	}
	return name + f.PowerShell + " (" + f.Program + ")"
}
