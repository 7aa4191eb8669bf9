package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

// onClose returns a hook that closes c with the first connection closed.
func onClose(c chan struct{}) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			close(c)
		}
	}
}

// hang waits as a transport does for a tenant that does not answer.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// stall answers with half a body, and waits for the rest as a transport does.
func stall(status int) fake {
	return func(r *http.Request) (*http.Response, error) {
		resp := respond(status, "")
		resp.Header.Set("Retry-After", "9")
		resp.Body = io.NopCloser(io.MultiReader(bodyFunc(func(p []byte) (int, error) {
			return copy(p, `{"value":[`), io.EOF
		}), bodyFunc(func([]byte) (int, error) {
			<-r.Context().Done()
			return 0, r.Context().Err()
		})))
		return resp, nil
	}
}

type bodyFunc func([]byte) (int, error)

func (f bodyFunc) Read(p []byte) (int, error) { return f(p) }

// A tenant that does not answer, or not to the end, is waited for as long as
// Timeout says, and the call is worth another try.
func TestTimeout(t *testing.T) {
	for _, test := range []struct {
		transport fake
		class     tenant.Class
		text      string
	}{
		{hang, tenant.Unavailable, "no reply within 2m0s"},
		{stall(200), tenant.Unavailable, "the reply was cut off: not whole after 2m0s"},
		{stall(400), tenant.Unavailable, `{"value":[`},
		{stall(429), tenant.Throttled, `{"value":[`},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, "", withTransport(test.transport))
			start := time.Now()
			_, err := c.Run(t.Context(), set)
			if d := time.Since(start); d != 2*time.Minute {
				t.Errorf("%s: after %v, want 2m", test.text, d)
			}
			e := failed(t, err, test.class)
			if e.Err.Error() != test.text || !e.Transient() {
				t.Errorf("error %q, transient %t; want %q", e.Err, e.Transient(), test.text)
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v looks as if the caller's time were up", err)
			}
		})
	}
}

// Timeout is one request's: pages have it anew.
func TestTimeoutOfEachPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := newClient(t, "", withTransport(func(r *http.Request) (*http.Response, error) {
			time.Sleep(90 * time.Second)
			if n++; n < 4 {
				return respond(200, `{"@odata.nextLink":"?again"}`), r.Context().Err()
			}
			return respond(200, ``), r.Context().Err()
		}))
		if _, err := c.Run(t.Context(), get); err != nil {
			t.Error(err)
		}
	})
}

// When the caller's time is up the call returns at once, and with no error
// that asks for another try.
func TestContextEnds(t *testing.T) {
	for _, transport := range []fake{hang, stall(200), stall(503)} {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, "", withTransport(transport))
			for _, want := range []error{context.Canceled, context.DeadlineExceeded} {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if want == context.Canceled {
					time.AfterFunc(time.Minute/2, cancel)
				}
				start := time.Now()
				_, err := c.Run(ctx, set)
				ended(t, err, want)
				if d := time.Since(start); d > time.Minute {
					t.Errorf("returned after %v", d)
				}
			}
		})
	}
}

// ended checks that err is of a call that ended because ctx did.
func ended(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if e, ok := errors.AsType[*tenant.Error](err); ok {
		t.Errorf("error %v is the tenant's, transient: %t", err, e.Transient())
	}
	if got, want := fmt.Sprint(err), fmt.Sprintf("Set-CASMailbox ada@example.org: %v", want); got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}

// Once ctx has ended neither a token is asked for nor a request sent.
func TestContextEndedBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := newClient(t, serveNothing(t), func(cfg *Config) {
		cfg.Token = func(context.Context, string, string) (string, error) {
			t.Error("a token was asked for")
			return token, nil
		}
	})
	_, err := c.Run(ctx, set)
	ended(t, err, context.Canceled)
}

// A token that is waited for when ctx ends is no token refused, and Timeout
// does not count while a person signs in.
func TestContextEndsBeforeToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "", withTransport(hang), func(cfg *Config) {
			cfg.Token = func(ctx context.Context, _, _ string) (string, error) {
				<-ctx.Done()
				return "", ctx.Err()
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		_, err := c.Run(ctx, set)
		ended(t, err, context.DeadlineExceeded)
		if d := time.Since(start); d != time.Hour {
			t.Errorf("returned after %v, want 1h", d)
		}
	})
}

// Over a real connection, too, the call ends when ctx does.
func TestContextEndsOverSocket(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	_, err := c.Run(ctx, set)
	ended(t, err, context.Canceled)
}
