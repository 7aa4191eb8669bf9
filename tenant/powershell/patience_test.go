package powershell

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"rollcall/tenant"
)

func set(upn string) tenant.Cmdlet {
	return tenant.Cmdlet{Name: "Set-" + testNoun, Identity: upn, Parameters: []tenant.Parameter{{Name: "PrivacyMode", Value: "opt-out"}}}
}

// A process that ends or hangs before it has signed in is a failure that may pass: of the
// first sign-in, and of a set for which another process is started, which was not sent.
func TestStartMayPass(t *testing.T) {
	for _, mode := range []string{
		"dies at start", "dies at begin", "dies at import", "dies at connect", "no memory", "no memory to connect",
		"silent", "hangs at begin", "hangs at import", "hangs at connect", "overloaded",
	} {
		t.Run(mode, func(t *testing.T) {
			s := newStage(t, mode)
			tn := open(t, nil)
			patience := time.Minute
			if mode == "silent" || strings.HasPrefix(mode, "hangs") {
				patience = 200 * time.Millisecond
			}
			tn.cfg.Timeout = patience
			err := tn.Connect(t.Context())
			if e, ok := errors.AsType[*tenant.Error](err); !ok || !e.Transient() || !e.Unreachable {
				t.Errorf("connect: %#v, want a transient failure", err)
			}
			if hangs := patience < time.Minute; hangs != strings.Contains(err.Error(), "no reply from PowerShell within 200ms") {
				t.Errorf("connect: error %v", err)
			}

			t.Setenv("STANDIN_MODES", "")
			tn.cfg.Timeout = time.Minute
			if _, err := tn.Run(t.Context(), set("ada@contoso.com")); err != nil {
				t.Fatal(err)
			}
			e, ok := errors.AsType[*tenant.Error](errorOf(tn.Run(t.Context(), set("dies@contoso.com"))))
			if !ok || e.Unsent || e.Class != tenant.Unavailable {
				t.Errorf("dies: %+v, want one that may have been sent", e)
			}

			t.Setenv("STANDIN_MODES", mode)
			tn.cfg.Timeout = patience
			e, ok = errors.AsType[*tenant.Error](errorOf(tn.Run(t.Context(), set("bea@contoso.com"))))
			if !ok || e.Class != tenant.Unavailable || !e.Unreachable || !e.Unsent || e.Op != "Set-"+testNoun || e.Object != "bea@contoso.com" {
				t.Errorf("mid-run: %+v, want a transient failure of a set that was not sent", e)
			}
			if n := s.count("run"); n != 2 {
				t.Errorf("%d cmdlets were run, want 2", n)
			}
			tn.Close()
			s.empty()
		})
	}
}

func errorOf(_ []tenant.Object, err error) error { return err }

// A set for which no process is there because of a wrong setup, or before its context ends,
// was not sent.
func TestUnsent(t *testing.T) {
	newStage(t, "no module")
	tn := open(t, nil)
	e, ok := errors.AsType[*tenant.Error](errorOf(tn.Run(t.Context(), set("ada@contoso.com"))))
	if !ok || e.Class != tenant.Unauthorized || !e.Unsent {
		t.Errorf("no module: %+v, want unauthorized and unsent", e)
	}
	newStage(t, "no set")
	tn = open(t, nil)
	e, ok = errors.AsType[*tenant.Error](errorOf(tn.Run(t.Context(), set("ada@contoso.com"))))
	if !ok || e.Class != tenant.Unauthorized || !e.Unsent {
		t.Errorf("no set: %+v, want unauthorized and unsent", e)
	}

	s := newStage(t)
	tn = open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.setHook(func(e event) {
		if e.name == "import" {
			cancel()
		}
	})
	err := errorOf(tn.Run(ctx, set("ada@contoso.com")))
	e, ok = errors.AsType[*tenant.Error](err)
	if !ok || !e.Unsent || !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %+v, want the context's error, unsent", err)
	}
}

// What a call is given for its error is its own, also if several calls fail with the error
// of one token.
func TestTokenErrorIsNotShared(t *testing.T) {
	newStage(t)
	shared := &tenant.Error{Op: "sign in", Object: "to login.example", Class: tenant.Unavailable, Err: errors.New("busy")}
	tn := open(t, func(c *Config) {
		c.SignIn.Token = func(context.Context, string) (string, time.Time, error) { return "", time.Time{}, shared }
	})
	err := errorOf(tn.Run(t.Context(), set("ada@contoso.com")))
	if e, ok := errors.AsType[*tenant.Error](err); !ok || !e.Unsent || e.Object != "ada@contoso.com" || shared.Unsent || shared.Op != "sign in" {
		t.Errorf("error %+v, and the token's is %+v", err, shared)
	}
}

// A wrong setup is no failure that may pass, although the process ended because of it.
func TestSetupEndsAtOnce(t *testing.T) {
	newStage(t, "no language mode")
	tn := open(t, nil)
	err := tn.Connect(t.Context())
	setup, ok := errors.AsType[*SetupError](err)
	if _, passes := errors.AsType[*tenant.Error](err); !ok || setup.Hint == "" || passes {
		t.Errorf("error %#v, want a setup error with a hint", err)
	}
}

// A start that hangs is given up early at first, and later late: a slow machine gets there.
func TestStepTimeout(t *testing.T) {
	for _, test := range []struct {
		timeout time.Duration
		hung    int
		want    time.Duration
	}{
		{2 * time.Minute, 0, time.Minute},
		{2 * time.Minute, 1, 2 * time.Minute},
		{2 * time.Minute, 2, 2 * time.Minute},
		{40 * time.Second, 0, 30 * time.Second},
		{10 * time.Second, 0, 10 * time.Second},
	} {
		tn := &Tenant{cfg: Config{Timeout: test.timeout}}
		if got := tn.stepTimeout(test.hung); got != test.want {
			t.Errorf("after %d of %v: %v, want %v", test.hung, test.timeout, got, test.want)
		}
	}

	newStage(t, "hangs at import")
	tn := open(t, func(c *Config) { c.Timeout = 100 * time.Millisecond })
	for want := 1; want <= 2; want++ {
		if err := tn.Connect(t.Context()); err == nil || tn.hungStarts() != want {
			t.Errorf("%v, and %d starts hung, want %d", err, tn.hungStarts(), want)
		}
	}
	t.Setenv("STANDIN_MODES", "dies at import")
	tn.cfg.Timeout = time.Minute
	if err := tn.Connect(t.Context()); err == nil || tn.hungStarts() != 2 {
		t.Errorf("%v, and %d starts hung, want 2", err, tn.hungStarts())
	}
	t.Setenv("STANDIN_MODES", "")
	if err := tn.Connect(t.Context()); err != nil || tn.hungStarts() != 0 {
		t.Errorf("%v, and %d starts hung, want none", err, tn.hungStarts())
	}
}

// A program that this machine can't start for the moment may be started later; one that is
// none can't.
func TestShortage(t *testing.T) {
	for _, err := range shortages {
		if !isShortage(&os.PathError{Op: "fork/exec", Path: "pwsh", Err: err}) {
			t.Errorf("%v is no shortage", err)
		}
	}
	if isShortage(os.ErrNotExist) || isShortage(&os.PathError{Op: "fork/exec", Path: "pwsh", Err: os.ErrPermission}) {
		t.Error("a program that is not there is a shortage")
	}
	if runtime.GOOS != "linux" {
		t.Skip("a program that is open for writing can be started here")
	}
	newStage(t)
	program := filepath.Join(t.TempDir(), "pwsh")
	f, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	tn := open(t, func(c *Config) { c.Program = program })
	err = tn.Connect(t.Context())
	if e, ok := errors.AsType[*tenant.Error](err); !ok || !e.Transient() {
		t.Errorf("a program that is being written: %v, want a transient failure", err)
	}
	f.Close()
	err = tn.Connect(t.Context())
	if _, ok := errors.AsType[*SetupError](err); !ok {
		t.Errorf("a program that is empty: %v, want a setup error", err)
	}
}
