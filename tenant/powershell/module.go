package powershell

import (
	"cmp"
	"context"
	"maps"
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

// unreliableVersion is one that is widely reported not to connect. It is tried
// after the next older one.
const unreliableVersion = "3.9.2"

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
	if i := slices.Index(versions, unreliableVersion); i >= 0 && i+1 < len(versions) {
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

// noModule returns the error of a PowerShell that has no module to load. Unloadable
// has the versions that were tried, each with the reason why it can't be loaded. If
// there is another PowerShell, the error names the versions of that one.
func (t *Tenant) noModule(ctx context.Context, f Facts, unloadable map[string]string) error {
	text, hint := "it is not installed", f.install()
	if len(f.Modules) > 0 {
		var all []string
		for _, v := range f.Modules {
			why := "can't be loaded: " + unloadable[v]
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
	if other, ok := t.otherProgram(ctx, f.Program); ok {
		has := "has no " + moduleName + " either"
		if versions := other.candidates(); len(versions) > 0 {
			has = "has " + strings.Join(other.Modules, ", ")
			hint = "have " + filepath.Base(other.Program) + " run instead; or " + hint
		}
		text += "; " + other.String() + " " + has
	}
	return setupError(hint, "PowerShell module %s for %v: %s", moduleName, &f, text)
}

// otherProgram returns the facts of the other PowerShell of this machine, if there
// are two and the Config names none.
func (t *Tenant) otherProgram(ctx context.Context, program string) (f Facts, ok bool) {
	if t.cfg.Program != "" {
		return f, false
	}
	for _, name := range programCandidates {
		path, err := find(name)
		if err != nil || path == program {
			continue
		}
		f.Program = path
		p, err := t.launch(path, func() {})
		if err != nil {
			return f, false
		}
		err = t.begin(ctx, p, &f, t.stepTimeout(0))
		p.end()
		close(p.unused)
		return f, err == nil
	}
	return f, false
}

// newestFirst returns the versions that a PowerShell named, each once, newest first.
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

// setUnloadable records that a version can't be loaded. It won't be tried again.
func (t *Tenant) setUnloadable(version, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unloadable == nil {
		t.unloadable = make(map[string]string)
	}
	t.unloadable[version] = reason
}

// unloadableVersions returns the versions that can't be loaded, and why.
func (t *Tenant) unloadableVersions() map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.unloadable)
}
