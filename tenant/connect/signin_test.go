package connect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

// retry calls signIn as a tenant with these settings does, and returns what came of
// it, how long it took, and what was said.
func retry(ctx context.Context, auth string, timeout time.Duration, signIn func(context.Context) error) (took time.Duration, said string, err error) {
	var mu sync.Mutex
	inform := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		said += text + "\n"
	}
	c := &connector{Settings: Settings{Auth: auth, Timeout: timeout}, Options: Options{Inform: inform}}
	start := time.Now()
	err = c.retrySignIn(signIn)(ctx)
	return time.Since(start), said, err
}

// Signing in takes no longer than Timeout, or a good half minute, and is never
// silent for ten seconds. A person has the time that it takes.
func TestSignInBounded(t *testing.T) {
	never := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, test := range []struct{ timeout, want time.Duration }{{2 * time.Minute, 2 * time.Minute}, {time.Second, signInPatience}} {
		synctest.Test(t, func(t *testing.T) {
			took, said, err := retry(t.Context(), "managed-identity", test.timeout, never)
			if want := fmt.Sprintf("sign in: no answer (gave up after %v)", took); err == nil || err.Error() != want || took != test.want {
				t.Errorf("error %v after %v, want %s after %v", err, took, want, test.want)
			}
			if n := strings.Count(said, "signing in for "); n < int(took/(10*time.Second)) || n != strings.Count(said, " so far\n") {
				t.Errorf("said %d times in %v what it waits for: %s", n, took, said)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		took, said, err := retry(t.Context(), "device-code", time.Second, func(ctx context.Context) error {
			time.Sleep(10 * time.Minute)
			return ctx.Err()
		})
		if err != nil || took != 10*time.Minute || said != "" {
			t.Errorf("a person: error %v after %v, said %q", err, took, said)
		}
	})
}

// What fails for the moment is tried again, aloud, for about half a minute, and the last
// failure is the error, with the time; what fails for good, and what is interrupted, is not tried again.
func TestSignInAgain(t *testing.T) {
	busy := &tenant.Error{Op: "sign in", Object: "to login.example", Class: tenant.Unavailable, Err: errors.New("busy")}
	wrong := &tenant.Error{Op: "sign in", Object: "to login.example", Class: tenant.Unauthorized, Err: errors.New("AADSTS1: no")}
	for _, test := range []struct {
		errs  []error
		want  error
		tries int
	}{
		{[]error{nil}, nil, 1},
		{[]error{busy, busy, nil}, nil, 3},
		{[]error{busy, wrong}, wrong, 2},
		{[]error{busy}, busy, 6}, // for ever
	} {
		synctest.Test(t, func(t *testing.T) {
			tries := 0
			took, said, err := retry(t.Context(), "secret", 2*time.Minute, func(context.Context) error {
				tries++
				return test.errs[min(tries, len(test.errs))-1]
			})
			if e, ok := errors.AsType[*UnansweredError](err); ok {
				if e.After != took || took < 15*time.Second || took > 50*time.Second {
					t.Errorf("given up after %v, and it says %v", took, e.After)
				}
				err = e.Err
			}
			if err != test.want || tries != test.tries || strings.Count(said, "busy; trying again in ") != tries-1 {
				t.Errorf("error %v after %d tries, want %v after %d; said %q", err, tries, test.want, test.tries, said)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*time.Second, func() { cancel(errors.New("interrupted")) })
		tries := 0
		took, _, err := retry(ctx, "secret", 2*time.Minute, func(context.Context) error { tries++; return busy })
		if err == nil || took != 3*time.Second {
			t.Errorf("interrupted: error %v after %v and %d tries", err, took, tries)
		}
	})
}
