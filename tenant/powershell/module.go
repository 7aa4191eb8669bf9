package powershell

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rollcall/tenant"
)

const moduleName = "ExchangeOnlineManagement"

// minModule is the oldest module that will do: the first that takes an access
// token. REST connections came with 3.0.0.
const minModule = "3.1.0"

// doubtful is a version that is widely reported not to connect. It is tried
// after the one before it.
const doubtful = "3.9.2"

// generations say which PowerShell the module wants since a version, newest
// first, and which version is the last of a generation, "" if there may be a
// newer one. Certain, for Microsoft's page on the module has it; its manifests
// don't. Windows PowerShell 5.1 runs all of them.
var generations = []struct{ since, powershell, last string }{
	{"3.10.0", "7.6", ""},
	{"3.5.0", "7.4", "3.9.0"},
	{"3.0.0", "7.2", "3.4.0"},
}

// wants returns the PowerShell that a version of the module wants, or "" if f
// has one that runs it.
func (f *Facts) wants(version string) string {
	if f.Edition == "Desktop" {
		return ""
	}
	for _, g := range generations {
		if compare(version, g.since) < 0 {
			continue
		}
		if compare(f.PowerShell, g.powershell) < 0 {
			return g.powershell
		}
		return ""
	}
	return ""
}

// candidates returns the versions of the module that are worth a try with f, in
// that order: newest first.
func (f *Facts) candidates() []string {
	versions := slices.DeleteFunc(slices.Clone(f.Modules), func(v string) bool {
		return compare(v, minModule) < 0 || f.wants(v) != ""
	})
	slices.SortFunc(versions, func(a, b string) int { return compare(b, a) })
	versions = slices.Compact(versions)
	if i := slices.Index(versions, doubtful); i >= 0 && i+1 < len(versions) {
		versions[i], versions[i+1] = versions[i+1], versions[i]
	}
	return versions
}

// install returns the command that installs a module which f runs, or "" if
// there is none.
func (f *Facts) install() string {
	command := "Install-Module " + moduleName
	if f.Edition == "Desktop" {
		return command + " -Scope CurrentUser -Force"
	}
	for _, g := range generations {
		if compare(f.PowerShell, g.powershell) < 0 {
			continue
		}
		if g.last != "" {
			command += " -RequiredVersion " + g.last
		}
		return command + " -Scope CurrentUser -Force"
	}
	return ""
}

// noModule returns the error of a PowerShell that has no module to load. Unfit
// are the versions that it has tried, with what came of it. If there is another
// PowerShell, the error says what that one has.
func (t *Tenant) noModule(ctx context.Context, f Facts, unfit map[string]string) error {
	text, hint := "it is not installed", f.install()
	if len(f.Modules) > 0 {
		var all []string
		for _, v := range f.Modules {
			why := "can't be loaded: " + unfit[v]
			if wants := f.wants(v); compare(v, minModule) < 0 {
				why = "is older than " + minModule
			} else if wants != "" {
				why = "wants PowerShell " + wants
			}
			all = append(all, v+" "+why)
		}
		text = strings.Join(all, "; ")
	}
	if f.Edition != "Desktop" && compare(f.PowerShell, generations[0].powershell) < 0 {
		hint = strings.TrimPrefix(hint+", or install PowerShell "+generations[0].powershell+": https://aka.ms/powershell", ", or ")
	}
	if other, ok := t.other(ctx, f.Program); ok {
		has := "has no " + moduleName + " either"
		if versions := other.candidates(); len(versions) > 0 {
			has = "has " + strings.Join(other.Modules, ", ")
			hint = "--pwsh " + filepath.Base(other.Program) + " runs that one; or " + hint
		}
		text += "; " + other.String() + " " + has
	}
	return setupError(hint, "PowerShell module %s for %v: %s", moduleName, &f, text)
}

// other returns what there is with the other PowerShell of this machine: where
// nobody has chosen one, and there are two.
func (t *Tenant) other(ctx context.Context, program string) (f Facts, ok bool) {
	if t.cfg.Program != "" {
		return f, false
	}
	for _, name := range programs {
		path, err := find(name)
		if err != nil || path == program {
			continue
		}
		f.Program = path
		p, err := t.launch(path, func() {})
		if err != nil {
			return f, false
		}
		err = t.begin(ctx, p, &f)
		p.end()
		close(p.given)
		return f, err == nil
	}
	return f, false
}

// newestFirst returns what a PowerShell says are versions, each once, newest first.
func newestFirst(said []string) []string {
	var versions []string
	for _, v := range said {
		versions = append(versions, tenant.Clean(v))
	}
	slices.SortFunc(versions, func(a, b string) int { return cmp.Or(compare(b, a), strings.Compare(a, b)) })
	return slices.Compact(versions)
}

// compare compares versions a and b, numbers with points between. What is no
// number counts as 0.
func compare(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		var m, n int
		if i < len(as) {
			m, _ = strconv.Atoi(as[i])
		}
		if i < len(bs) {
			n, _ = strconv.Atoi(bs[i])
		}
		if m != n {
			return cmp.Compare(m, n)
		}
	}
	return 0
}

// A version that can't be loaded once can't be loaded again, as long as rollcall
// runs.

func (t *Tenant) setUnfit(version, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unfit == nil {
		t.unfit = make(map[string]string)
	}
	t.unfit[version] = reason
}

func (t *Tenant) unfitVersions() map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	unfit := make(map[string]string)
	for v, reason := range t.unfit {
		unfit[v] = reason
	}
	return unfit
}
