package powershell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"rollcall/tenant"
)

// What goes to a cmdlet keeps its type, what comes back is as tenant.Object
// has it, and all of it is ASCII on the way.
func TestRun(t *testing.T) {
	s := newStage(t)
	tn := open(t, nil)
	c := tenant.Cmdlet{Name: "Set-" + testNoun, Identity: "ådä@contoso.com", Parameters: []tenant.Parameter{
		{Name: "PrivacyMode", Value: "$(Remove-Item x) \"'`\n😀 2024-01-01T00:00:00"},
		{Name: "IsEnabled", Value: false},
		{Name: "Ratio", Value: json.Number("1.50")},
		{Name: "Nothing", Value: nil},
	}}
	objects, err := tn.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	want := []tenant.Object{{
		"UserId": "ådä@contoso.com", "PrivacyMode": "opt-in", "IsDashboardEnabled": true, "Ratio": json.Number("0.1"),
		"Big": json.Number("9007199254740993"), "None": nil, "List": []any{"a", json.Number("1")}, "City": "Århus 😀",
	}}
	if !reflect.DeepEqual(objects, want) {
		t.Errorf("objects %v, want %v", objects, want)
	}
	lines := s.texts("line")
	for _, line := range lines {
		for _, c := range line {
			if c >= utf8.RuneSelf {
				t.Fatalf("sent %q, which is not ASCII", line)
			}
		}
	}
	var sent struct {
		Cmdlet     string
		Parameters [][3]string
		Raw        []map[string]string `json:"parameters"`
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &struct {
		Cmdlet     *string              `json:"cmdlet"`
		Parameters *[]map[string]string `json:"parameters"`
	}{&sent.Cmdlet, &sent.Raw}); err != nil {
		t.Fatal(err)
	}
	for _, p := range sent.Raw {
		sent.Parameters = append(sent.Parameters, [3]string{p["name"], p["type"], p["value"]})
	}
	wantSent := [][3]string{
		{"=Identity", "=string", "=ådä@contoso.com"},
		{"=PrivacyMode", "=string", "=" + c.Parameters[0].Value.(string)},
		{"=IsEnabled", "=bool", "=false"},
		{"=Ratio", "=number", "=1.50"},
		{"=Nothing", "=null", "=null"},
	}
	if sent.Cmdlet != "=Set-"+testNoun || !reflect.DeepEqual(sent.Parameters, wantSent) {
		t.Errorf("sent %q %q, want %q", sent.Cmdlet, sent.Parameters, wantSent)
	}
}

// What can't be sent to a cmdlet is not, and no process is started for it.
func TestRunRefuses(t *testing.T) {
	s := newStage(t)
	tn := open(t, nil)
	with := func(name string, value any) tenant.Cmdlet {
		return tenant.Cmdlet{Name: "Set-" + testNoun, Identity: "a@b", Parameters: []tenant.Parameter{{Name: name, Value: value}}}
	}
	for _, c := range []tenant.Cmdlet{
		{Name: "Remove-" + testNoun, Identity: "a@b"},
		{Name: "Get-" + testNoun},
		{Name: "Get-Mailbox", Identity: "a@b"},
		{Name: "Get-" + testNoun, Identity: "a\xff@b"},
		with("WhatIf", true), with("outv", "x"), with("OutVariable", "x"), with("confirm", false), with("E", "x"), with("OV", "x"), with("ea", "x"),
		with("Identity", "c@d"), with("Bad Name", "x"), with("", "x"), with("X", []any{"y"}), with("X", "\xff"),
	} {
		var e *tenant.Error
		if _, err := tn.Run(t.Context(), c); err == nil || errors.As(err, &e) {
			t.Errorf("%v: error %v, want a plain one", c, err)
		}
	}
	if n := s.count("start"); n != 0 {
		t.Errorf("%d processes were started", n)
	}
}

// A process that does anything but answer is killed, its call is worth another
// try, and the next one gets a process that works.
func TestMisbehaviour(t *testing.T) {
	for _, user := range []string{"dies", "overlong", "rubbish", "more", "empty", "list", "torn", "wrongid"} {
		t.Run(user, func(t *testing.T) {
			s := newStage(t)
			tn := open(t, nil)
			_, err := tn.Run(t.Context(), get(user+"@contoso.com"))
			e, ok := errors.AsType[*tenant.Error](err)
			if !ok || e.Class != tenant.Unavailable || e.Op != "Get-"+testNoun || e.Object != user+"@contoso.com" {
				t.Fatalf("error %#v, want one of class unavailable", err)
			}
			if user == "dies" && !strings.Contains(err.Error(), "out of memory") {
				t.Errorf("error %v does not say what it died of", err)
			}
			if _, err := tn.Run(t.Context(), get("ada@contoso.com")); err != nil {
				t.Errorf("next call: %v", err)
			}
			if n := s.count("start"); n != 2 {
				t.Errorf("%d processes, want 2", n)
			}
			tn.Close()
			s.empty()
		})
	}
}

// An answer more than was asked for is never taken for the answer to another
// call.
func TestTwoAnswers(t *testing.T) {
	newStage(t)
	tn := open(t, nil)
	if _, err := tn.Run(t.Context(), get("twice@contoso.com")); err != nil {
		t.Fatal(err)
	}
	objects, err := tn.Run(t.Context(), get("ada@contoso.com"))
	if !errors.Is(err, tenant.Unavailable) {
		t.Fatalf("objects %v, error %v, want unavailable", objects, err)
	}
	objects, err = tn.Run(t.Context(), get("ada@contoso.com"))
	if err != nil || objects[0]["UserId"] != "ada@contoso.com" {
		t.Errorf("objects %v, error %v, want those of ada", objects, err)
	}
}

// Noise neither harms an answer nor is passed on; nor does a flood take memory.
func TestNoise(t *testing.T) {
	s := newStage(t)
	var mu sync.Mutex
	var notices []string
	tn := open(t, func(c *Config) {
		c.SignIn = SignIn{Method: DeviceCode}
		c.Notice = func(text string) {
			mu.Lock()
			defer mu.Unlock()
			notices = append(notices, text)
		}
	})
	if err := tn.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	if want := []string{"loading", "To sign in, enter the code ABCD-EFGH", "half a line"}; !slices.Equal(notices, want) {
		t.Errorf("notices %q, want %q", notices, want)
	}
	notices = nil
	mu.Unlock()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, user := range []string{"noise", "ada", "floods", "bea"} {
		objects, err := tn.Run(t.Context(), get(user+"@contoso.com"))
		if err != nil || len(objects) != 1 || objects[0]["UserId"] != user+"@contoso.com" {
			t.Errorf("%s: objects %v, error %v", user, objects, err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Errorf("a flood of 64 MiB took %d bytes", n)
	}
	if n := s.count("start"); n != 1 {
		t.Errorf("%d processes, want 1", n)
	}
	tn.Close()
	if notices != nil {
		t.Errorf("notices %q of what was not the sign-in", notices)
	}
}

// A hung process is killed, with what it started, when its time is up.
func TestTimeout(t *testing.T) {
	for _, user := range []string{"hangs", "family"} {
		s := newStage(t)
		tn := open(t, nil)
		if err := tn.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		tn.cfg.Timeout = 200 * time.Millisecond
		if _, err := tn.Run(t.Context(), get(user+"@contoso.com")); !errors.Is(err, tenant.Unavailable) {
			t.Fatalf("%s: error %v, want unavailable", user, err)
		}
		s.wait() // all of them, and no one has closed anything
		tn.cfg.Timeout = time.Minute
		if _, err := tn.Run(t.Context(), get("ada@contoso.com")); err != nil {
			t.Error(err)
		}
		tn.Close()
		s.empty()
	}
}

// A process that does not answer at its start is killed when the time of a cmdlet is
// up: nobody waits for it as long as for a person who signs in.
func TestSilentStart(t *testing.T) {
	s := newStage(t, "silent")
	tn := open(t, func(c *Config) { c.Timeout = 200 * time.Millisecond; c.SignIn.Method = DeviceCode })
	err := tn.Connect(t.Context())
	if want := "start PowerShell: no reply from PowerShell within 200ms"; err == nil || err.Error() != want {
		t.Errorf("connect: error %v, want %q", err, want)
	}
	tn.Close()
	s.empty()
}

// A call whose context ends returns at once, and its process is replaced.
func TestCancelledCall(t *testing.T) {
	s := newStage(t)
	tn := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	s.setHook(func(e event) {
		if e.name == "hanging" {
			cancel()
		}
	})
	_, err := tn.Run(ctx, get("hangs@contoso.com"))
	var e *tenant.Error
	if !errors.Is(err, context.Canceled) || errors.As(err, &e) || !strings.Contains(err.Error(), "hangs@contoso.com") {
		t.Fatalf("error %v, want the context's", err)
	}
	if _, err := tn.Run(t.Context(), get("ada@contoso.com")); err != nil {
		t.Error(err)
	}
	if n := s.count("start"); n != 2 {
		t.Errorf("%d processes, want 2", n)
	}
}

// A context that ends ends the wait for a process, too: for its start, and for
// one that is busy.
func TestCancelledWait(t *testing.T) {
	s := newStage(t)
	tn := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	hold := make(chan struct{})
	s.setHook(func(e event) {
		if e.name == "connect" {
			cancel()
			<-hold
		}
	})
	if err := tn.Connect(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("connect: error %v, want the context's", err)
	}
	close(hold)

	hanging := make(chan struct{})
	s.setHook(func(e event) {
		if e.name == "hanging" {
			close(hanging)
		}
	})
	busy, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := tn.Run(busy, get("hangs@contoso.com"))
		done <- err
	}()
	<-hanging
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := tn.Run(ctx, get("ada@contoso.com")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the context's", err)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("busy call: error %v, want the context's", err)
	}
	tn.Close()
	s.empty()
}

// Processes are started one at a time, each when all others are busy, and
// never more than are allowed.
func TestStaggeredStart(t *testing.T) {
	s := newStage(t)
	tn := open(t, func(c *Config) { c.Processes = 3 })
	var running atomic.Int32
	busy := make(chan struct{})
	s.setHook(func(e event) {
		switch e.name {
		case "connect":
			if started, signed := s.count("start"), s.count("connect"); started != signed {
				t.Errorf("process %d has started before %d signed in", started, signed)
			}
		case "run":
			if running.Add(1) == 3 {
				close(busy)
			}
			<-busy
		}
	})
	var calls sync.WaitGroup
	for i := range 8 {
		calls.Go(func() {
			if _, err := tn.Run(t.Context(), get(fmt.Sprintf("u%d@contoso.com", i))); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if n := s.count("start"); n != 3 {
		t.Errorf("%d processes, want 3", n)
	}
	tn.Close()
	s.empty()
}

// One call after another needs one process.
func TestStartOnDemand(t *testing.T) {
	s := newStage(t)
	tn := open(t, func(c *Config) { c.Processes = 3 })
	for range 5 {
		if _, err := tn.Run(t.Context(), get("ada@contoso.com")); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.count("start"); n != 1 {
		t.Errorf("%d processes, want 1", n)
	}
}

// Close ends idle processes by the end of their input, and all others at once:
// the busy, and the one that signs in.
func TestClose(t *testing.T) {
	s := newStage(t)
	tn := open(t, func(c *Config) { c.Processes = 2 })
	hanging := make(chan struct{}, 2)
	s.setHook(func(e event) {
		if e.name == "hanging" {
			hanging <- struct{}{}
		}
	})
	errs := make(chan error, 2)
	run := func(upn string) {
		_, err := tn.Run(t.Context(), get(upn))
		errs <- err
	}
	go run("hangs@contoso.com")
	<-hanging
	connecting := make(chan struct{})
	hold := make(chan struct{})
	s.setHook(func(e event) {
		if e.name == "connect" {
			close(connecting)
			<-hold
		}
	})
	go run("ada@contoso.com")
	<-connecting
	tn.Close()
	close(hold)
	for range 2 {
		if err := <-errs; !errors.Is(err, errClosed) {
			t.Errorf("error %v, want %v", err, errClosed)
		}
	}
	s.empty()
	if _, err := tn.Run(t.Context(), get("ada@contoso.com")); !errors.Is(err, errClosed) {
		t.Errorf("after Close: error %v, want %v", err, errClosed)
	}
	if n := s.count("start"); n != 2 {
		t.Errorf("%d processes, want 2", n)
	}

	s = newStage(t)
	tn = open(t, nil)
	if err := tn.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	tn.Close()
	s.empty()
	if n := s.count("bye"); n != 1 {
		t.Errorf("%d processes took leave, want 1", n)
	}
}

// What stands in the way of every call is a SetupError, which stops a run; what
// may pass is not.
func TestStartFails(t *testing.T) {
	tests := []struct {
		mode  string
		class tenant.Class
		hint  string
		text  string
	}{
		{"no module", tenant.Unauthorized, "Install-Module ExchangeOnlineManagement -Scope CurrentUser", "not installed"},
		{"old module", tenant.Unauthorized, "Update-Module ExchangeOnlineManagement", `"3.0.0" is too old: want 3.1.0`},
		{"no import", tenant.Unauthorized, "Set-ExecutionPolicy RemoteSigned -Scope CurrentUser", "scripts is disabled"},
		{"no cmdlets", tenant.Unauthorized, "ask for a role", "Get-UserAnalyticsConfig is not there"},
		{"refuses", tenant.Unauthorized, "", "sign-in refused: AADSTS700027"},
		{"no network", tenant.Unavailable, "", "no such host"},
		{"dies at start", tenant.Unavailable, "", "exit status 1: bad day"},
	}
	for _, test := range tests {
		t.Run(test.mode, func(t *testing.T) {
			s := newStage(t, test.mode)
			tn := open(t, nil)
			for range 2 { // a start that fails leaves room for another
				_, err := tn.Run(t.Context(), get("ada@contoso.com"))
				setup, ok := errors.AsType[*SetupError](err)
				if !errors.Is(err, test.class) || ok != (test.class == tenant.Unauthorized) || !strings.Contains(err.Error(), test.text) {
					t.Fatalf("error %v, want %v with %q", err, test.class, test.text)
				}
				if ok && !strings.HasPrefix(setup.Hint, test.hint) {
					t.Errorf("hint %q, want %q", setup.Hint, test.hint)
				}
			}
			facts, err := tn.Facts(t.Context())
			if err == nil {
				t.Errorf("Facts: no error")
			}
			if test.mode == "old module" && (facts.Module != "3.0.0" || facts.PowerShell != "7.4.6" || facts.Program != tn.cfg.Program) {
				t.Errorf("facts %+v are not what there was", facts)
			}
			tn.Close()
			s.empty()
		})
	}
}

// A PowerShell that is not there is named, with what to do.
func TestNoPowerShell(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, program := range []string{"", "no-such-pwsh"} {
		tn := open(t, func(c *Config) { c.Program = program })
		err := tn.Connect(t.Context())
		setup, ok := errors.AsType[*SetupError](err)
		if !ok || setup.Hint != "install PowerShell 7: https://aka.ms/powershell" {
			t.Errorf("program %q: error %v", program, err)
		}
	}
}

// A cmdlet that the caller may not run stops a run only when it is asked for.
func TestNoSet(t *testing.T) {
	s := newStage(t, "no set")
	tn := open(t, nil)
	facts, err := tn.Facts(t.Context())
	if err != nil || !slices.Equal(facts.Cmdlets, []string{"Get-" + testNoun}) || facts.Edition != "Core" {
		t.Errorf("facts %+v, error %v", facts, err)
	}
	_, err = tn.Run(t.Context(), tenant.Cmdlet{Name: "Set-" + testNoun, Identity: "ada@contoso.com"})
	if !errors.Is(err, tenant.Unauthorized) {
		t.Errorf("error %v, want unauthorized", err)
	}
	if n := s.count("run"); n != 0 {
		t.Errorf("%d cmdlets were run", n)
	}
}

// A session that is lost is replaced by a new one, with a new token. One that
// is lost before anything got through would be lost again.
func TestSessionLost(t *testing.T) {
	for _, user := range []string{"lost", "gone"} {
		s := newStage(t)
		tokens := 0
		tn := open(t, func(c *Config) {
			c.SignIn = SignIn{Method: AccessToken, Organization: "contoso.onmicrosoft.com", Token: func(context.Context, string) (string, time.Time, error) {
				tokens++
				return fmt.Sprintf("%s%d", testToken, tokens), time.Time{}, nil
			}}
		})
		ask := func(upn string) error {
			_, err := tn.Run(t.Context(), get(upn))
			return err
		}
		if err := ask("ada@contoso.com"); err != nil {
			t.Fatal(err)
		}
		if err := ask(user + "@contoso.com"); !errors.Is(err, tenant.Unavailable) {
			t.Errorf("%s: error %v, want unavailable", user, err)
		}
		if err := ask(user + "@contoso.com"); !errors.Is(err, tenant.Unauthorized) {
			t.Errorf("%s at once: error %v, want unauthorized", user, err)
		}
		if err := ask("ada@contoso.com"); err != nil || tokens != 3 || s.count("start") != 3 {
			t.Errorf("error %v, %d tokens for %d processes, want 3", err, tokens, s.count("start"))
		}
	}
}

// No secret is in anything that comes out: not even in pieces. Nor is it where
// other users of the machine can read it.
func TestSecrets(t *testing.T) {
	const minPiece = 8 // of tenant.Hide
	secret := testToken
	for _, mode := range []string{"", "refuses"} {
		s := newStage(t, mode)
		var mu sync.Mutex
		var heard []string
		hear := func(text string) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, text)
		}
		tn := open(t, func(c *Config) {
			c.SignIn = withToken(secret)
			c.Notice = hear
			c.Warn = func(_ tenant.Cmdlet, text string) { hear(text) }
		})
		for _, user := range []string{"warns", "fails", "dies"} {
			if _, err := tn.Run(t.Context(), get(user+"@contoso.com")); err != nil {
				hear(err.Error())
			}
		}
		hear(fmt.Sprintf("%v %+v %s", tn, tn, tn))
		tn.Close()
		if mode == "" && !slices.ContainsFunc(heard, func(s string) bool { return strings.Contains(s, "slow é down [secret]") }) {
			t.Errorf("heard %q, which has no warning", heard)
		}
		for _, text := range append(heard, s.texts("start")...) {
			for i := 0; i+minPiece <= len(secret); i++ {
				if strings.Contains(text, secret[i:i+minPiece]) {
					t.Errorf("%q has %q of a secret", text, secret[i:i+minPiece])
					break
				}
			}
		}
	}
}

// What needs no process to find out is found out by New.
func TestNewChecks(t *testing.T) {
	good := SignIn{Method: DeviceCode}
	for _, cfg := range []Config{
		{SignIn: good},
		{Noun: "a b", SignIn: good},
		{Noun: testNoun},
		{Noun: testNoun, SignIn: SignIn{Method: "password"}},
		{Noun: testNoun, SignIn: SignIn{Method: Thumbprint, AppID: "x", Organization: "o"}},
		{Noun: testNoun, SignIn: SignIn{Method: AccessToken, Organization: "o"}},
		{Noun: testNoun, SignIn: good, Processes: -1},
		{Noun: testNoun, SignIn: good, Timeout: -1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("New(%+v): no error", cfg.Noun)
		}
	}
	if _, err := New(Config{Noun: testNoun, SignIn: good}); err != nil {
		t.Error(err)
	}
}

// A policy that forbids scripts to call .NET is told from other ends, by what
// either PowerShell writes last.
func TestBootError(t *testing.T) {
	for text, policy := range map[string]bool{
		"InvalidOperation: Cannot invoke method. Method invocation is supported only on core types in this language mode.": true,
		"+ FullyQualifiedErrorId : MethodInvocationNotSupportedInConstrainedLanguage":                                      true,
		"the PowerShell process ended: exit status 1":                                                                      false,
	} {
		if _, ok := errors.AsType[*SetupError](bootError(errors.New(text))); ok != policy {
			t.Errorf("%s: a setup error: %v, want %v", text, ok, policy)
		}
	}
}
