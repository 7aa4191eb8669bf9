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
		{Name: "Addresses", Value: []string{"a,b", "2"}},
		{Name: "More", Value: tenant.Edit{Add: []string{"a"}, Remove: []string{"b"}}},
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
		Raw        []map[string]any `json:"parameters"`
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &struct {
		Cmdlet     *string           `json:"cmdlet"`
		Parameters *[]map[string]any `json:"parameters"`
	}{&sent.Cmdlet, &sent.Raw}); err != nil {
		t.Fatal(err)
	}
	for _, p := range sent.Raw {
		sent.Parameters = append(sent.Parameters, [3]string{p["name"].(string), p["type"].(string), fmt.Sprintf("%v %v %v", p["value"], p["values"], p["remove"])})
	}
	wantSent := [][3]string{
		{"=Identity", "=string", "=ådä@contoso.com <nil> <nil>"},
		{"=PrivacyMode", "=string", "=" + c.Parameters[0].Value.(string) + " <nil> <nil>"},
		{"=IsEnabled", "=bool", "=false <nil> <nil>"},
		{"=Ratio", "=number", "=1.50 <nil> <nil>"},
		{"=Nothing", "=null", "= <nil> <nil>"},
		{"=Addresses", "=list", "= [=a,b =2] <nil>"},
		{"=More", "=edit", "= [=a] [=b]"},
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
		with("Identity", "c@d"), with("Bad Name", "x"), with("", "x"), with("X", []any{"y"}), with("X", []string{"y", "\xff"}), with("X", tenant.Edit{Remove: []string{"\xff"}}), with("X", "\xff"),
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
	if want := "start PowerShell, " + tn.cfg.Program + ": no reply from PowerShell within 200ms"; err == nil || err.Error() != want {
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

// Until one process has signed in no other is started; then some are, side by
// side, each when all others are busy, and never more than are allowed.
func TestStarts(t *testing.T) {
	s := newStage(t)
	tn := open(t, func(c *Config) { c.Processes = 3 })
	var starting, running atomic.Int32
	both := make(chan struct{}) // closed when the two others are starting
	busy := make(chan struct{})
	s.setHook(func(e event) {
		switch e.name {
		case "start":
			if n := starting.Add(1); n > 1 && s.count("connect") == 0 {
				t.Errorf("process %d has started before one signed in", n)
			}
		case "connect":
			if s.count("connect") > 1 {
				if starting.Load() == 3 {
					select {
					case <-both:
					default:
						close(both)
					}
				}
				<-both
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

// A further process that can't be started is no reason for a call to fail: it
// waits for the one that there is. Without any it fails.
func TestFurtherStartFails(t *testing.T) {
	for _, mode := range []string{"overloaded", "refuses", "dies at start"} {
		s := newStage(t)
		var notices session
		tn := open(t, func(c *Config) { c.Processes, c.Remark = 2, notices.hear })
		hold, hanging := make(chan struct{}), make(chan struct{})
		s.setHook(func(e event) {
			if e.name == "run" && s.count("run") == 1 {
				close(hanging)
				<-hold
			}
		})
		errs := make(chan error, 2)
		run := func(upn string) {
			_, err := tn.Run(t.Context(), get(upn))
			errs <- err
		}
		go run("ada@contoso.com")
		<-hanging
		t.Setenv("STANDIN_MODES", mode)
		go run("bea@contoso.com")
		for !strings.Contains(notices.String(), "could not be started") {
			runtime.Gosched()
		}
		close(hold)
		for range 2 {
			if err := <-errs; err != nil {
				t.Errorf("%s: %v", mode, err)
			}
		}
		for range 3 { // nor is it tried again at once
			run("cyd@contoso.com")
			<-errs
		}
		if n := s.count("start"); n != 2 {
			t.Errorf("%s: %d processes were started, want 2", mode, n)
		}
		if _, err := tn.Run(t.Context(), get("dies@contoso.com")); !errors.Is(err, tenant.Unavailable) {
			t.Errorf("%s: dies: %v", mode, err)
		}
		if run("ada@contoso.com"); <-errs == nil {
			t.Errorf("%s: no error without any process", mode)
		}
		tn.Close()
		s.empty()
	}
}

// A process is replaced when it has run its share of cmdlets, between two of them.
func TestWorn(t *testing.T) {
	s := newStage(t)
	tn := open(t, nil)
	for range maxCalls + 1 {
		if _, err := tn.Run(t.Context(), get("ada@contoso.com")); err != nil {
			t.Fatal(err)
		}
	}
	tn.Close()
	if start, bye := s.count("start"), s.count("bye"); start != 2 || bye != 2 {
		t.Errorf("%d processes, of which %d took leave; want 2", start, bye)
	}
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
		{"no module", tenant.Unauthorized, "Install-Module ExchangeOnlineManagement -RequiredVersion 3.9.0 -Scope CurrentUser", "not installed"},
		{"old module", tenant.Unauthorized, "Install-Module ExchangeOnlineManagement -RequiredVersion 3.9.0 -Scope CurrentUser", "3.0.0 is older than 3.1.0"},
		{"new module", tenant.Unauthorized, "Install-Module ExchangeOnlineManagement -RequiredVersion 3.9.0 -Scope CurrentUser", "3.10.1 wants PowerShell 7.6; 3.0.0 is older than 3.1.0"},
		{"bad modules", tenant.Unauthorized, "Install-Module", "3.10.0 wants PowerShell 7.6; 3.5.0 can't be loaded: Could not load file or assembly; 3.4.0 can't be loaded: Could"},
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
			if test.mode == "old module" && (!slices.Equal(facts.Modules, []string{"3.0.0"}) || facts.Module != "" || facts.PowerShell != "7.4.6" || facts.Program != tn.cfg.Program) {
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
	setup, ok := errors.AsType[*SetupError](tn.CanSet())
	if !ok || !strings.HasPrefix(setup.Error(), "cmdlet Set-"+testNoun+" is not there") || !strings.HasPrefix(setup.Hint, "ask for a role") {
		t.Errorf("error %v, want one that names the cmdlet and the hint", setup)
	}
	_, err = tn.Run(t.Context(), tenant.Cmdlet{Name: "Set-" + testNoun, Identity: "ada@contoso.com"})
	if !errors.Is(err, tenant.Unauthorized) {
		t.Errorf("error %v, want unauthorized", err)
	}
	if n := s.count("run"); n != 0 {
		t.Errorf("%d cmdlets were run", n)
	}
}

// A session that is lost is replaced by a new one, with a new token: again and
// again, unless nobody is served by any.
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
		if err := ask(user + "@contoso.com"); !errors.Is(err, tenant.Unavailable) {
			t.Errorf("%s at once: error %v, want unavailable", user, err)
		}
		if err := ask("ada@contoso.com"); err != nil || tokens != 3 || s.count("start") != 3 {
			t.Errorf("error %v, %d tokens for %d processes, want 3", err, tokens, s.count("start"))
		}
		for i := range maxRefusals + 1 { // the first of a session that has served
			want := tenant.Unavailable
			if i == maxRefusals {
				want = tenant.Unauthorized
			}
			if err := ask(fmt.Sprintf("%s@%d.contoso.com", user, i)); !errors.Is(err, want) {
				t.Errorf("%s, %d: error %v, want %v", user, i, err, want)
			}
		}
	}
}

// A token that is about to end is replaced, with its process, if there is another.
func TestTokenEnds(t *testing.T) {
	for _, test := range []struct {
		lives  []time.Duration // of the tokens, of which the last one stays
		starts int
	}{
		{[]time.Duration{time.Hour, time.Hour}, 1},
		{[]time.Duration{0, time.Hour}, 2},
		{[]time.Duration{0}, 1},
	} {
		s := newStage(t)
		given := 0
		tn := open(t, func(c *Config) {
			c.SignIn = SignIn{Method: AccessToken, Organization: "contoso.onmicrosoft.com", Token: func(context.Context, string) (string, time.Time, error) {
				if s.count("run") > 0 && given < len(test.lives)-1 {
					given++
				}
				return fmt.Sprintf("%s%d", testToken, given), time.Now().Add(test.lives[given]), nil
			}}
		})
		for range 3 {
			if _, err := tn.Run(t.Context(), get("ada@contoso.com")); err != nil {
				t.Fatal(err)
			}
		}
		tn.Close()
		if n := s.count("start"); n != test.starts {
			t.Errorf("tokens good for %v: %d processes, want %d", test.lives, n, test.starts)
		}
	}
	now := time.Now()
	for life, want := range map[time.Duration]time.Duration{time.Hour: 55 * time.Minute, 16 * time.Second: 12 * time.Second, 8 * time.Minute: 6 * time.Minute} {
		if got := renewal(now, now.Add(life)).Sub(now); got != want {
			t.Errorf("a token good for %v is renewed after %v, want %v", life, got, want)
		}
	}
	if !renewal(now, time.Time{}).IsZero() {
		t.Error("a token of which it is not known when it ends is renewed")
	}
}

// Who is refused with 401 among others who are served is refused alone, and costs
// one process; where nobody is served it is the caller who is refused.
func TestRefused(t *testing.T) {
	s := newStage(t)
	var refused []string
	tokens := 0
	tn := open(t, func(c *Config) {
		c.SignIn = SignIn{Method: AccessToken, Organization: "contoso.onmicrosoft.com", Token: func(_ context.Context, r string) (string, time.Time, error) {
			refused = append(refused, r)
			tokens++
			return fmt.Sprintf("%s%d", testToken, tokens), time.Time{}, nil
		}}
	})
	ask := func(user string) error {
		_, err := tn.Run(t.Context(), get(user+"@contoso.com"))
		return err
	}
	for range 4 {
		if err := ask("ada"); err != nil {
			t.Fatal(err)
		}
		if err := ask("refused"); !errors.Is(err, tenant.Unavailable) {
			t.Errorf("among others: error %v, want unavailable", err)
		}
	}
	if err := ask("lost"); !errors.Is(err, tenant.Unavailable) {
		t.Error(err)
	}
	for range 2 * maxRefusals { // and when it is the last, of a session that is new
		if err := ask("refused"); !errors.Is(err, tenant.Unavailable) {
			t.Errorf("at the end: error %v, want unavailable", err)
		}
	}
	if n := s.count("start"); n != 3 {
		t.Errorf("%d processes, want 3", n)
	}
	if want := []string{"", testToken + "1", testToken + "2"}; !slices.Equal(refused, want) {
		t.Errorf("%d tokens were refused, want the first two", len(refused)-1)
	}
	for i := range maxRefusals - 1 { // beside that one
		want := tenant.Unavailable
		if i == maxRefusals-2 {
			want = tenant.Unauthorized
		}
		if _, err := tn.Run(t.Context(), get(fmt.Sprintf("refused@%d.contoso.com", i))); !errors.Is(err, want) {
			t.Errorf("refusal %d: error %v, want %v", i, err, want)
		}
	}

	// A caller whom the service does not accept at all is told so, be it of one user.
	newStage(t)
	tn = open(t, nil)
	for i := range maxRefusals {
		want := tenant.Unavailable
		if i == maxRefusals-1 {
			want = tenant.Unauthorized
		}
		if err := ask("refused"); !errors.Is(err, want) {
			t.Errorf("call %d: error %v, want %v", i, err, want)
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

// What a person has to correct, such as a policy that forbids scripts to call .NET, is told
// from other ends by what PowerShell writes last.
func TestBootError(t *testing.T) {
	for text, wrong := range map[string]bool{
		"InvalidOperation: Cannot invoke method. Method invocation is supported only on core types in this language mode.": true,
		"+ FullyQualifiedErrorId : MethodInvocationNotSupportedInConstrainedLanguage":                                      true,
		"You must install or update .NET to run this application.":                                                         true,
		"Process terminated. Couldn't find a valid ICU package installed on the system.":                                   true,
		"pwsh: error while loading shared libraries: libx.so: cannot open shared object file: No such file or directory":   true,
		"error while loading shared libraries: libx.so: failed to map segment from shared object: Cannot allocate memory":  false,
		"the PowerShell process ended: exit status 1":                                                                      false,
		"the PowerShell process ended: signal: killed":                                                                     false,
	} {
		if _, ok := errors.AsType[*SetupError](bootError("pwsh", errors.New(text))); ok != wrong {
			t.Errorf("%s: a setup error: %v, want %v", text, ok, wrong)
		}
	}
}
