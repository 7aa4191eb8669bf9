package powershell

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	switch {
	case programs == nil && os.Getenv("CI") != "":
		t.Fatal("no pwsh or powershell.exe: CI tests bridge.ps1, see .ci/run")
	case programs == nil:
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

// What a cmdlet gets is what the type of its parameter makes of a text; a text that
// looks like a date is one text. What no parameter takes is refused.
func TestPowerShellParameters(t *testing.T) {
	for _, program := range realPowerShell(t) {
		tn := open(t, func(c *Config) { c.Program, c.Noun = program, "CASMailbox" })
		for _, test := range []struct {
			name  string
			value any
			want  string // what the cmdlet got, or what is refused
		}{
			{"OWAEnabled", "2024-01-01T00:00:00", "OWAEnabled String 2024-01-01T00:00:00"},
			{"OWAEnabled", "$env:PATH; exit", "OWAEnabled String $env:PATH; exit"},
			{"OWAEnabled", "", "OWAEnabled String "},
			{"OWAEnabled", true, "OWAEnabled Boolean True"},
			{"OWAEnabled", "true", "OWAEnabled String true"},
			{"OWAEnabled", json.Number("1"), "OWAEnabled Int32 1"},
			{"OWAEnabled", json.Number("9007199254740993"), "OWAEnabled Int64 9007199254740993"},
			{"OWAEnabled", json.Number("12E5"), "OWAEnabled String 12E5"},
			{"OWAEnabled", json.Number("1.10"), "OWAEnabled String 1.10"},
			{"OWAEnabled", nil, "OWAEnabled null"},
			{"OWAEnabled", []string{"a", "2"}, "OWAEnabled Object[] a|2"},
			{"OWAEnabled", []string{"a"}, "OWAEnabled Object[] a"},
			{"OWAEnabled", tenant.Edit{Add: []string{"a"}, Remove: []string{"b", "c"}}, "OWAEnabled Hashtable Add:a Remove:b|c"},
			{"OWAEnabled", tenant.Edit{Remove: []string{"b"}}, "OWAEnabled Hashtable Add: Remove:b"},
			{"DisplayName", json.Number("12E5"), "DisplayName String 12E5"},
			{"DisplayName", "null", "DisplayName String null"},
			{"DisplayName", "  padded ", "DisplayName String   padded "},
			{"DisplayName", true, "DisplayName String true"},
			{"PopEnabled", "yes", "PopEnabled Boolean True"},
			{"popon", json.Number("0"), "PopEnabled Boolean False"},
			{"PopEnabled", nil, "PopEnabled null"},
			{"ImapEnabled", "False", "ImapEnabled Boolean False"},
			{"Force", json.Number("1"), "Force SwitchParameter True"},
			{"Limit", json.Number("42"), "Limit Int32 42"},
			{"MayLimit", nil, "MayLimit null"},
			{"RetainFor", json.Number("365"), "RetainFor TimeSpan 365.00:00:00"},
			{"EndDate", "2026-12-01", "EndDate DateTime 2026-12-01T00:00:00"},
			{"EndDate", "2026-12-01T08:00:00Z", "EndDate DateTime 2026-12-01T08:00:00"},
			{"EndTime", "2026-12-01T08:00:00+02:00", "EndTime DateTimeOffset 2026-12-01T06:00:00"},
			{"WorkDay", "friday", "WorkDay DayOfWeek Friday"},
			{"EndDate", "7/10/2026", "EndDate DateTime 2026-07-10T00:00:00"},
			{"Addresses", []string{}, "Addresses String[] "},
			{"Addresses", []string{"SMTP:a@b", "smtp:c@d"}, "Addresses String[] SMTP:a@b|smtp:c@d"},
			{"Addresses", "a,b", "Addresses String[] a,b"},

			{"Pop", false, "Set-CASMailbox has no parameter Pop"},
			{"Limit", nil, "parameter Limit takes a Int32, and can't be null"},
			{"Limit", "many", "Cannot process argument transformation on parameter 'Limit'"},
			{"ImapEnabled", "maybe", "parameter ImapEnabled takes true or false, not 'maybe'"},
			{"EndDate", "01.12.2026", "parameter EndDate takes a date such as 2026-12-01 or 2026-12-01T08:00:00Z, not '01.12.2026'"},
			{"EndDate", json.Number("20261201"), "parameter EndDate takes a date such as"},
		} {
			set := tenant.Cmdlet{Name: "Set-CASMailbox", Identity: "ada@contoso.com", Parameters: []tenant.Parameter{{Name: test.name, Value: test.value}}}
			if objects, err := tn.Run(t.Context(), set); err != nil {
				if !errors.Is(err, tenant.Failed) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s %#v: error %v, want %q", test.name, test.value, err, test.want)
				}
				continue
			} else if len(objects) != 0 {
				t.Fatalf("set: objects %v", objects)
			}
			objects, err := tn.Run(t.Context(), tenant.Cmdlet{Name: "Get-CASMailbox", Identity: "ada@contoso.com"})
			if err != nil || len(objects) != 1 || objects[0]["Given"] != test.want {
				t.Errorf("%s %#v: objects %v, error %v, want %q", test.name, test.value, objects, err, test.want)
			}
		}
		// A text that is null is null, and not empty, for a cmdlet that can tell them apart.
		for _, given := range []string{"DisplayName null", "DisplayName String "} {
			value := any(nil)
			if given != "DisplayName null" {
				value = ""
			}
			set := tenant.Cmdlet{Name: "Set-CASMailbox", Identity: "ada@contoso.com", Parameters: []tenant.Parameter{{Name: "DisplayName", Value: value}}}
			_, err := tn.Run(t.Context(), set)
			objects, err2 := tn.Run(t.Context(), tenant.Cmdlet{Name: "Get-CASMailbox", Identity: "ada@contoso.com"})
			if err != nil || err2 != nil || objects[0]["Given"] != given {
				t.Errorf("%#v: objects %v, errors %v, %v; want %q", value, objects, err, err2, given)
			}
		}
	}
}

// What is read is what there is: dictionaries by their keys, and nothing that is
// not known.
func TestPowerShellValues(t *testing.T) {
	for _, program := range realPowerShell(t) {
		tn := open(t, func(c *Config) { c.Program, c.Noun = program, "VivaInsightsSettings" })
		read := func(upn string) ([]tenant.Object, error) {
			return tn.Run(t.Context(), tenant.Cmdlet{Name: "Get-VivaInsightsSettings", Identity: upn})
		}
		settings := func(upn string) map[string]any {
			return map[string]any{"UserId": upn, "IsInsightsHeadspaceEnabled": true}
		}
		objects, err := read("ada@contoso.com")
		if want := []tenant.Object{settings("ada@contoso.com")}; err != nil || !reflect.DeepEqual(objects, want) {
			t.Errorf("objects %v, error %v, want %v", objects, err, want)
		}
		objects, err = read("values@contoso.com")
		want := []tenant.Object{{
			"Dictionary": settings("values@contoso.com"),
			"Hashtable":  map[string]any{"Keys": "a key"},
			"Bytes":      "AAH/",
			"Nested":     map[string]any{"X": json.Number("1"), "Y": []any{map[string]any{"Z": nil}, map[string]any{"W": "w"}}},
			"Failing":    map[string]any{"Works": json.Number("1")},
			"Offset":     "2024-01-02T03:04:05.0000000+02:00",
			"Span":       "365.00:00:00",
			"Held":       map[string]any{"Open": "o"},
			"Xml":        `<a b="c"><d /></a>`,
			"Element":    "<a><d>e</d></a>",
			"Version":    "1.2.3",
			"X":          json.Number("5"),
		}}
		if err != nil || !reflect.DeepEqual(objects, want) {
			t.Errorf("objects %v, error %v, want %v", objects, err, want)
		}
		if objects, err := read("long@contoso.com"); err == nil || !strings.Contains(err.Error(), "property Long: a list of more than 10000 values") {
			t.Errorf("a long list: objects %d, error %v", len(objects), err)
		}
	}
}

// A service is what the stand-in's own cmdlets speak to.
func newService(t *testing.T, serve http.HandlerFunc) *Tenant {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/autodiscover/") {
			fmt.Fprint(w, `{"Protocol":"Weve","Url":"https://substrate.office.com/weve"}`)
			return
		}
		serve(w, r)
	}))
	t.Cleanup(service.Close)
	t.Setenv("DOTNET_STANDIN_ENDPOINT", service.URL)
	return open(t, func(c *Config) {
		c.Program, c.Noun = realPowerShell(t)[0], "MyAnalyticsFeatureConfig"
		c.SignIn = withToken("a token")
	})
}

// In PowerShell 7 the reply itself is seen: its status, what it asks for, and what
// the module drops of its text. The module's requests are as they were.
func TestPowerShellReplies(t *testing.T) {
	const reason = "The following authorization requirements are not satisfied: UserRequireAdvancedMyALicense."
	tn := newService(t, func(w http.ResponseWriter, r *http.Request) {
		if trace := r.Header.Get("Traceparent"); trace != "" {
			t.Errorf("a request has a header that the module did not give it: %s", trace)
		}
		user, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/weve/api/v1.1/users('"), "@")
		status := 200
		switch user {
		case "throttled":
			w.Header().Set("Retry-After", "30")
			status = 429
		case "details":
			w.WriteHeader(403)
			fmt.Fprintf(w, `{"Code":"Forbidden","Message":"Forbidden.","Details":[{"Code":"PolicyNotSatisfied","Message":%q}]}`, reason)
			return
		case "page":
			w.WriteHeader(502)
			fmt.Fprint(w, "<html>")
			return
		case "form":
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":{"code":"BadRequest","message":"a bad one"}}`)
			return
		case "none":
			status = 404
		case "empty":
			status = 204
		case "half":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"ServiceSettings":`)
			return
		case "cut":
			panic(http.ErrAbortHandler)
		default:
			fmt.Fprint(w, `{"ServiceSettings":{"IsOptedOut":true},"FeatureSettings":{}}`)
			return
		}
		w.WriteHeader(status)
	})
	for _, test := range []struct {
		user   string
		class  tenant.Class
		status int
		wait   time.Duration
		text   string
	}{
		{"throttled", tenant.Throttled, 429, 30 * time.Second, ""},
		{"details", tenant.Denied, 403, 0, reason},
		{"page", tenant.Unavailable, 502, 0, ""},
		{"form", tenant.Failed, 400, 0, "a bad one"},
		{"none", tenant.NotFound, 404, 0, ""},
		{"empty", tenant.Unavailable, 204, 0, ""},
		{"half", tenant.Unavailable, 200, 0, ""},
		{"cut", tenant.Unavailable, 0, 0, ""},
	} {
		set := tenant.Cmdlet{Name: "Set-MyAnalyticsFeatureConfig", Identity: test.user + "@contoso.com", Parameters: []tenant.Parameter{{Name: "PrivacyMode", Value: "opt-out"}}}
		_, err := tn.Run(t.Context(), set)
		e, ok := errors.AsType[*tenant.Error](err)
		if !ok || e.Class != test.class || e.Status != test.status || e.RetryAfter != test.wait || !strings.Contains(e.Error(), test.text) {
			t.Errorf("%s: %v, %+v; want %v, %d, %v, %q", test.user, err, e, test.class, test.status, test.wait, test.text)
		}
	}
	if _, err := tn.Run(t.Context(), tenant.Cmdlet{Name: "Get-MyAnalyticsFeatureConfig", Identity: "ada@contoso.com"}); err != nil {
		t.Error(err)
	}
	set := tenant.Cmdlet{Name: "Set-MyAnalyticsFeatureConfig", Identity: "ada@contoso.com", Parameters: []tenant.Parameter{{Name: "PrivacyMode", Value: "opt"}}}
	_, err := tn.Run(t.Context(), set)
	if e, ok := errors.AsType[*tenant.Error](err); !ok || e.Class != tenant.Failed || e.Status != 0 {
		t.Errorf("what was refused before a request: %v, want failed without a status", err)
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
