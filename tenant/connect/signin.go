package connect

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"rollcall/tenant"
	"rollcall/tenant/entra"
)

// A tokenFunc returns an access token, as [entra.Source.Token] does.
type tokenFunc func(ctx context.Context, refused, claims string) (string, error)

// token returns a function that gets access tokens for the service. What is missing for
// signing in is reported by its first call.
func (c *connector) token(cloud entra.Cloud) (tokenFunc, error) {
	// A proxy of the user passes tokens on, so they must be for the service behind it.
	host := cloud.Endpoint
	if entra.IsMicrosoft(c.BaseURL()) {
		host = c.BaseURL()
	}
	source, missing := c.source(cloud, host)
	if _, ok := errors.AsType[*SettingError](missing); ok {
		return nil, missing
	}
	if missing != nil {
		return func(context.Context, string, string) (string, error) { return "", missing }, nil
	}
	return func(ctx context.Context, refused, claims string) (string, error) {
		return c.caller.note(source.Token(ctx, refused, claims))
	}, nil
}

// source returns a Source of access tokens for a host, given as its base URL. The error is
// a [*SettingError] or a [*SignInError].
func (c *connector) source(cloud entra.Cloud, host string) (*entra.Source, error) {
	if err := c.checkAuth(); err != nil {
		return nil, err
	}
	if c.Thumbprint != "" && c.Certificate == "" && c.Auth == entra.Certificate {
		return nil, &SettingError{"certificate-thumbprint", c.Thumbprint, errors.New("only the tenant powershell, on Windows, looks one up: name the certificate's file")}
	}
	cfg := c.entraConfig(cloud, host)
	cfg.Prompt = c.Prompt
	source, err := entra.New(cfg)
	if err != nil {
		return nil, &SignInError{err}
	}
	for _, w := range source.Warnings() {
		c.Warn(w)
	}
	return source, nil
}

// The least time limit of signing in, and how often its progress is reported.
const (
	signInPatience = 40 * time.Second
	signInReport   = 8 * time.Second
)

// An UnansweredError says that signing in was given up after a time in which it got no
// answer, or only transient failures. No cmdlet was run.
type UnansweredError struct {
	After time.Duration
	Err   error // the last failure
}

func (e *UnansweredError) Error() string {
	return fmt.Sprintf("%v (gave up after %v)", e.Err, e.After.Round(time.Second))
}

// Unwrap returns the cause.
func (e *UnansweredError) Unwrap() error { return e.Err }

// retrySignIn returns signIn with retries: a transient failure is tried again up to five
// times, with about half a minute of waits, so that a run that starts at night does not fail
// because of one lost reply. Then the error is an [*UnansweredError]. It reports its
// progress, and does not say when it will end: that depends on whether a try fails or gets no
// answer. Timeout limits all of it, except for a person who signs in.
func (c *connector) retrySignIn(signIn func(context.Context) error) func(context.Context) error {
	limit := max(c.Timeout, signInPatience)
	return func(ctx context.Context) error {
		bounded, begun := ctx, time.Now()
		if !c.byHand() {
			var cancel context.CancelFunc
			bounded, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
			defer every(signInReport, func() {
				c.Inform(fmt.Sprintf("signing in for %v so far", time.Since(begun).Round(time.Second)))
			})()
		}
		waits := backoff.NewExponentialBackOff(backoff.WithInitialInterval(time.Second), backoff.WithMultiplier(2), backoff.WithMaxElapsedTime(0))
		tries := backoff.WithContext(backoff.WithMaxRetries(waits, 5), bounded)
		var last error // of a try that came to its end
		err := backoff.RetryNotify(func() error {
			err := signIn(bounded)
			if bounded.Err() == nil {
				last = err
			}
			if isTransient(err) {
				return err
			}
			return backoff.Permanent(err)
		}, tries, func(err error, wait time.Duration) {
			c.Inform(fmt.Sprintf("%v; trying again in %v", err, wait.Round(time.Second)))
		})
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case last == nil:
			last = errors.New("sign in: no answer")
		case !isTransient(last):
			return last
		}
		return &UnansweredError{time.Since(begun), last}
	}
}

func isTransient(err error) bool {
	e, ok := errors.AsType[*tenant.Error](err)
	return ok && e.Transient()
}

// every calls f at an interval, until the function that it returns is called.
func every(interval time.Duration, f func()) (stop func()) {
	done := make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f()
			case <-done:
				return
			}
		}
	})
	return func() { close(done); over.Wait() }
}
