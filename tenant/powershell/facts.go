package powershell

import (
	"context"
	"slices"
)

// Facts are what there is to run cmdlets with: of a start that failed, as far
// as it got.
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

// Found returns what the last start found out, as far as it got.
func (t *Tenant) Found() Facts {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.facts
	f.Cmdlets, f.Modules = slices.Clone(f.Cmdlets), slices.Clone(f.Modules)
	return f
}

// Facts connects like Connect, and returns what it found out along with the
// error of the step that failed.
func (t *Tenant) Facts(ctx context.Context) (Facts, error) {
	err := t.Connect(ctx)
	return t.Found(), err
}

func (t *Tenant) setFacts(f Facts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.facts = f
}

// String returns which PowerShell f is of.
func (f *Facts) String() string {
	name := "PowerShell "
	if f.Edition == "Desktop" {
		name = "Windows PowerShell "
	}
	return name + f.PowerShell + " (" + f.Program + ")"
}
