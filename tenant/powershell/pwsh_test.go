package powershell

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/tenant"
)

// realPowerShell returns the PowerShells of this machine, ready to load the
// stand-in for the module. Without one, what is skipped is all that there is to
// test bridge.ps1.
func realPowerShell(t *testing.T) []string {
	var programs []string
	for _, name := range []string{"pwsh", "powershell.exe"} {
		if path, err := exec.LookPath(name); err == nil {
			programs = append(programs, path)
		}
	}
	if programs == nil {
		t.Skip("no pwsh or powershell.exe on this machine: bridge.ps1 is not tested")
	}
	modules, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PSModulePath", modules+string(os.PathListSeparator)+os.Getenv("PSModulePath"))
	return programs
}

// A session is the notices and warnings of a Tenant.
type session struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *session) hear(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.WriteString(text + "\n")
}

func (s *session) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestPowerShell(t *testing.T) {
	for _, program := range realPowerShell(t) {
		t.Run(filepath.Base(program), func(t *testing.T) {
			var notices, warnings session
			tn := open(t, func(c *Config) {
				c.Program = program
				c.Processes = 2
				c.SignIn = SignIn{Method: DeviceCode}
				c.Notice = notices.hear
				c.Warn = func(_ tenant.Cmdlet, text string) { warnings.hear(text) }
			})
			facts, err := tn.Facts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if facts.Module != "99.0.0" || facts.PowerShell == "" || facts.Edition == "" ||
				!slices.Equal(facts.Cmdlets, []string{"Get-" + testNoun, "Set-" + testNoun}) {
				t.Errorf("facts %+v", facts)
			}
			for _, want := range []string{"code ABCD-EFGH", "host: connecting", "warning: connecting", "console: connecting"} {
				if !strings.Contains(notices.String(), want) {
					t.Errorf("notices %q lack %q", &notices, want)
				}
			}
			if strings.Contains(notices.String(), "banner") {
				t.Errorf("notices %q have the banner", &notices)
			}

			// An object of every kind of value.
			upn := "ådä'\"$(exit)`@contoso.com"
			objects, err := tn.Run(t.Context(), get(upn))
			if err != nil {
				t.Fatal(err)
			}
			want := []tenant.Object{{
				"UserId": upn, "PrivacyMode": "OptIn", "IsDashboardEnabled": true, "Nothing": nil,
				"Count": json.Number("3"), "Big": json.Number("9007199254740993"), "Ratio": json.Number("0.25"),
				"When": "2024-01-02T03:04:05.0000000Z", "One": []any{"a"}, "None": []any{},
				"Several": []any{json.Number("1"), "two", nil}, "City": "Århus \"\\😀",
			}}
			if !reflect.DeepEqual(objects, want) {
				t.Errorf("objects %v, want %v", objects, want)
			}

			// A change is made without a question, and noise does no harm.
			set := tenant.Cmdlet{Name: "Set-" + testNoun, Parameters: []tenant.Parameter{
				{Name: "PrivacyMode", Value: "opt-out"}, {Name: "Feature", Value: "add-in"}, {Name: "IsEnabled", Value: false}}}
			objects, err = tn.Run(t.Context(), set.For("noise@contoso.com"))
			if err != nil || len(objects) != 1 || objects[0]["PrivacyMode"] != "OptOut" {
				t.Errorf("set: objects %v, error %v", objects, err)
			}
			if !strings.Contains(warnings.String(), "warning: noise@contoso.com") {
				t.Errorf("warnings %q", &warnings)
			}

			tn.cfg.Timeout = time.Second * 20
			for user, class := range map[string]tenant.Class{
				"notfound": tenant.NotFound, "throttled": tenant.Throttled, "forbidden": tenant.Denied,
				"nonterminating": tenant.Denied, "network": tenant.Unavailable, "lost": tenant.Unavailable,
				"dies": tenant.Unavailable, "exits": tenant.Unavailable, "breaks": tenant.Failed, "asks": tenant.Failed,
			} {
				// What a process loses it must have had.
				if _, err := tn.Run(t.Context(), get("ada@contoso.com")); err != nil {
					t.Errorf("before %s: %v", user, err)
				}
				if _, err := tn.Run(t.Context(), get(user+"@contoso.com")); !errors.Is(err, class) {
					t.Errorf("%s: error %v, want %v", user, err, class)
				}
			}
			bad := tenant.Cmdlet{Name: "Set-" + testNoun, Identity: "ada@contoso.com", Parameters: []tenant.Parameter{{Name: "PrivacyMode", Value: "Excluded"}}}
			if _, err := tn.Run(t.Context(), bad); !errors.Is(err, tenant.Failed) {
				t.Errorf("a value that is none: error %v, want failed", err)
			}
			tn.cfg.Timeout = time.Second
			if _, err := tn.Run(t.Context(), get("hangs@contoso.com")); !errors.Is(err, tenant.Unavailable) {
				t.Errorf("hangs: error %v, want unavailable", err)
			}
			tn.Close()
		})
	}
}

// Values arrive with their types; a text that looks like a date is one text.
func TestPowerShellTypes(t *testing.T) {
	for _, program := range realPowerShell(t) {
		tn := open(t, func(c *Config) { c.Program, c.Noun = program, "CASMailbox" })
		for _, test := range []struct {
			value any
			want  string
		}{
			{"2024-01-01T00:00:00", "String 2024-01-01T00:00:00"},
			{"$env:PATH; exit", "String $env:PATH; exit"},
			{"", "String "},
			{true, "Boolean True"},
			{json.Number("1"), "Int32 1"},
			{json.Number("9007199254740993"), "Int64 9007199254740993"},
			{json.Number("1.5"), "Decimal 1.5"},
			{nil, "null"},
		} {
			set := tenant.Cmdlet{Name: "Set-CASMailbox", Identity: "ada@contoso.com", Parameters: []tenant.Parameter{{Name: "OWAEnabled", Value: test.value}}}
			if objects, err := tn.Run(t.Context(), set); err != nil || len(objects) != 0 {
				t.Fatalf("set: objects %v, error %v", objects, err)
			}
			objects, err := tn.Run(t.Context(), tenant.Cmdlet{Name: "Get-CASMailbox", Identity: "ada@contoso.com"})
			if err != nil || len(objects) != 1 || objects[0]["Given"] != "OWAEnabled "+test.want {
				t.Errorf("%v: objects %v, error %v, want %q", test.value, objects, err, test.want)
			}
		}
	}
}

// A token arrives as it is, and comes back to no one; a refusal is the module's.
func TestPowerShellSignIn(t *testing.T) {
	for _, program := range realPowerShell(t) {
		var notices session
		tn := open(t, func(c *Config) {
			c.Program, c.Notice = program, notices.hear
			c.SignIn = withToken(testToken)
		})
		if err := tn.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := notices.String(); !strings.Contains(got, "the token is [secret]") || strings.Contains(got, testToken[:16]) {
			t.Errorf("notices %q", got)
		}
		tn = open(t, func(c *Config) {
			c.Program = program
			c.SignIn = withToken(testToken)
			c.SignIn.Organization = "refused.onmicrosoft.com"
		})
		err := tn.Connect(t.Context())
		if _, ok := errors.AsType[*SetupError](err); !ok || !strings.Contains(err.Error(), "sign-in refused: AADSTS90002") {
			t.Errorf("error %v, want the module's refusal", err)
		}
	}
}
