package powershell

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/tenant"
)

// The newest version that a PowerShell can load comes first, but for one that is
// known not to work.
func TestCandidates(t *testing.T) {
	for _, test := range []struct{ powershell, edition, installed, want, install string }{
		{"7.6.9", "Core", "3.10.1 3.9.0 3.4.0", "3.10.1 3.9.0 3.4.0", ""},
		{"7.6.0-preview.4", "Core", "3.10.1 3.9.0", "3.10.1 3.9.0", ""},
		{"7.4.6", "Core", "3.10.1 3.10.0 3.9.0 3.4.0", "3.9.0 3.4.0", "3.9.0"},
		{"7.5.2", "Core", "3.10.1 3.5.0", "3.5.0", "3.9.0"},
		{"7.2.1", "Core", "3.9.0 3.4.0 3.1.0 3.0.0", "3.4.0 3.1.0", "3.4.0"},
		{"7.0.3", "Core", "3.10.1 3.4.0", "", "none"},
		{"5.1.22621.963", "Desktop", "3.10.1 3.9.0 2.0.5", "3.10.1 3.9.0", ""},
		{"7.4.6", "Core", "3.9.2 3.9.0 3.8.0", "3.9.0 3.9.2 3.8.0", "3.9.0"},
		{"7.6.9", "Core", "3.10.0 3.9.2 3.9.0", "3.10.0 3.9.0 3.9.2", ""},
		{"7.6.9", "Core", "3.9.2", "3.9.2", ""},
		{"7.6.9", "Core", "99.0.0 3.9.2", "99.0.0 3.9.2", ""},
		{"7.6.9", "Core", "", "", ""},
	} {
		f := Facts{PowerShell: test.powershell, Edition: test.edition, Modules: newestFirst(strings.Fields(test.installed))}
		if got := strings.Join(f.candidates(), " "); got != test.want {
			t.Errorf("%s %s: candidates of %s are %q, want %q", test.edition, test.powershell, test.installed, got, test.want)
		}
		want := "Install-Module ExchangeOnlineManagement -Scope CurrentUser -Force"
		switch test.install {
		case "":
		case "none":
			want = ""
		default:
			want = "Install-Module ExchangeOnlineManagement -RequiredVersion " + test.install + " -Scope CurrentUser -Force"
		}
		if got := f.install(); got != want {
			t.Errorf("%s %s: install by %q, want %q", test.edition, test.powershell, got, want)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		version string
		want    int
	}{{"3.1.0", 0}, {"3.0.9", -1}, {"3.10.0", 1}, {"2.0.5", -1}, {"3.1", 0}, {"4", 1}, {"3.1.0.1", 1}, {"x", -1}} {
		if got := compare(test.version, minModule); got != test.want {
			t.Errorf("compare(%q) = %v, want %v", test.version, got, test.want)
		}
	}
}

// A version that can't be loaded is passed over, aloud and once, in a process of
// its own.
func TestPassedOver(t *testing.T) {
	s := newStage(t, "bad newest")
	var mu sync.Mutex
	var remarks []string
	tn := open(t, func(c *Config) {
		c.Processes = 2
		c.Remark = func(text string) {
			mu.Lock()
			defer mu.Unlock()
			remarks = append(remarks, text)
		}
	})
	facts, err := tn.Facts(t.Context())
	if err != nil || facts.Module != "3.4.0" || !slices.Equal(facts.Modules, []string{"3.10.0", "3.5.0", "3.4.0"}) {
		t.Errorf("facts %+v, error %v", facts, err)
	}
	var calls sync.WaitGroup
	for range 2 {
		calls.Go(func() {
			if _, err := tn.Run(t.Context(), get("ada@contoso.com")); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	tn.Close()
	s.empty()
	want := "PowerShell module ExchangeOnlineManagement 3.5.0 can't be loaded, and 3.4.0 is tried: Could not load file or assembly"
	if !slices.Equal(remarks, []string{want}) {
		t.Errorf("remarks %q, want one", remarks)
	}
	if imports := s.texts("import"); imports[0] != "3.5.0" || slices.Contains(imports[1:], "3.5.0") {
		t.Errorf("imports %q, want 3.5.0 once", imports)
	}
}

// Where nobody has chosen a PowerShell and the one has no module, the error says
// what the other has.
func TestOtherPowerShell(t *testing.T) {
	newStage(t, "no module", "other has one")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range programNames("windows") {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	t.Setenv("PATH", dir)
	programCandidates = programNames("windows")
	defer func() { programCandidates = programNames("linux") }()
	tn := open(t, func(c *Config) { c.Program = "" })
	err = tn.Connect(t.Context())
	setup, ok := errors.AsType[*SetupError](err)
	if !ok || !strings.HasSuffix(err.Error(), "for PowerShell 7.4.6 ("+filepath.Join(dir, "pwsh")+"): it is not installed; Windows PowerShell 5.1 ("+
		filepath.Join(dir, "powershell.exe")+") has 3.9.0") || !strings.HasPrefix(setup.Hint, "have powershell.exe run instead; or Install-Module") {
		t.Errorf("error %v, hint %+v", err, setup)
	}
}

// A process that has signed in to another tenant than the one that was named is
// refused. Names are compared by the ID that they stand for.
func TestWrongTenant(t *testing.T) {
	const here, elsewhere = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"
	ids := map[string]string{"contoso.onmicrosoft.com": here, "contoso.com": here, "fabrikam.com": elsewhere}
	for _, test := range []struct {
		organization string
		right        bool
	}{
		{"", true}, {here, true}, {strings.ToUpper(here), true}, {"contoso.onmicrosoft.com", true}, {"CONTOSO.COM", true},
		{elsewhere, false}, {"fabrikam.com", false}, {"unknown.com", false},
	} {
		for _, method := range []string{DeviceCode, AccessToken} {
			s := newStage(t, "of contoso")
			tn := open(t, func(c *Config) {
				c.SignIn.Method, c.SignIn.Organization, c.SignIn.Account = method, test.organization, "admin@contoso.com"
				c.TenantID = func(_ context.Context, domain string) (string, error) {
					if id := ids[strings.ToLower(domain)]; id != "" {
						return id, nil
					}
					return "", &tenant.Error{Op: "look up", Object: domain, Class: tenant.Unauthorized, Err: errors.New("no such tenant")}
				}
			})
			facts, err := tn.Facts(t.Context())
			if (err == nil) != test.right || facts.SignedIn != test.right {
				t.Errorf("%s: %q: facts %+v, error %v", method, test.organization, facts, err)
			}
			if test.right && (facts.Account != "admin@contoso.com" || facts.TenantID != here) {
				t.Errorf("facts %+v", facts)
			}
			if test.organization == elsewhere && (err == nil || !strings.Contains(err.Error(), "as admin@contoso.com to the tenant "+here)) {
				t.Errorf("error %v does not say who and where", err)
			}
			tn.Close()
			s.empty()
		}
	}
}
