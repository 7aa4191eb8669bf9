package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"rollcall/tenant"
	"rollcall/tenant/entra"
)

// tokenVariable is the environment variable that holds an access token.
const tokenVariable = "ROLLCALL_ACCESS_TOKEN"

// method returns how to sign in. Nobody is signed in as by accident: without
// --auth it is by what the command line names, by a token that is there, or not
// at all.
func (f *tenantFlags) method() (string, error) {
	switch {
	case f.auth != "" && !slices.Contains(entra.Methods(), f.auth):
		return "", usage(fmt.Errorf("--auth %q: want one of %s", f.auth, strings.Join(entra.Methods(), ", ")))
	case f.auth != "":
		return f.auth, nil
	case f.certificate != "" || f.thumbprint != "":
		return entra.Certificate, nil
	case f.secretFile != "":
		return entra.Secret, nil
	case f.tokenFile != "" || strings.TrimSpace(os.Getenv(tokenVariable)) != "":
		return "token", nil
	}
	return "", &exit{status: exitError, err: fmt.Errorf("no access token: %s is not set, and there is no --auth", tokenVariable),
		hint: "--auth certificate, managed-identity or workload for scheduled runs, device-code or interactive for a person"}
}

// where returns the cloud, with its endpoint overruled.
func (f *tenantFlags) where() (entra.Cloud, error) {
	cloud, err := entra.LookupCloud(f.cloud)
	if err != nil {
		return cloud, usage(fmt.Errorf("--cloud: %w", err))
	}
	return cloud, nil
}

// endpointURL returns the base URL of the service, in one spelling: locks are
// known by it.
func (f *tenantFlags) endpointURL() string {
	if f.endpoint == "" {
		cloud, _ := entra.LookupCloud(f.cloud)
		return cloud.Endpoint
	}
	u, err := url.Parse(f.endpoint)
	if err != nil {
		return f.endpoint // whoever connects says what is wrong with it
	}
	u.Host = strings.TrimSuffix(strings.ToLower(u.Host), map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	u.Host = strings.TrimSuffix(u.Host, ".")
	return strings.TrimRight(u.String(), "/")
}

// A tokenFunc returns an access token, as [entra.Source.Token] does.
type tokenFunc func(ctx context.Context, refused, claims string) (string, error)

// token returns where access tokens come from, and what to do if they are refused.
// What is missing for signing in is told by whoever first asks for a token, for
// there may be no need to sign in.
func (f *tenantFlags) token(a *app) (token tokenFunc, refused string, err error) {
	method, err := f.method()
	if err == nil {
		cloud, _ := f.where()
		// A proxy of the user's passes tokens on, so that they have to be good for
		// the service behind it.
		host := cloud.Endpoint
		if entra.IsMicrosoft(f.endpointURL()) {
			host = f.endpointURL()
		}
		var source *entra.Source
		if source, err = f.tokens(a, method, host); err == nil {
			return source.Token, tryAgain(method), nil
		}
	}
	if e, ok := errors.AsType[*exit](err); ok && e.status == exitUsage {
		return nil, "", err
	}
	missing := err
	return func(context.Context, string, string) (string, error) { return "", missing }, tryAgain(method), nil
}

// tokens returns where access tokens for a host, as its base URL, come from.
func (f *tenantFlags) tokens(a *app, method, host string) (*entra.Source, error) {
	cloud, err := f.where()
	if err != nil {
		return nil, err
	}
	if f.thumbprint != "" && f.certificate == "" && method == entra.Certificate {
		return nil, usage(errors.New("--certificate-thumbprint is for --tenant powershell, on Windows: --certificate names a file"))
	}
	source, err := entra.New(entra.Config{
		Method:      method,
		Cloud:       cloud,
		Tenant:      f.organizationID(),
		Client:      f.client,
		Scope:       host + "/.default",
		Certificate: f.certificate,
		SecretFile:  f.secretFile,
		TokenFile:   f.tokenFile,
		Prompt:      func(text string) { a.console.Break(); a.console.Say("%s", text) },
		Getenv:      os.Getenv,
	})
	if err != nil {
		return nil, &exit{status: exitError, err: err, hint: cmp.Or(entra.Hint(err.Error()), "rollcall doctor --help lists the flags for signing in")}
	}
	for _, w := range source.Warnings() {
		a.console.Warn("warning: %s", w)
	}
	return source, nil
}

// tryAgain says what to do when the tenant does not let us in.
func tryAgain(method string) string {
	if method == "token" {
		return "the tenant does not accept the access token: put a fresh one in " + tokenVariable + ", or in the file that --token-file names"
	}
	return "rollcall doctor, with the same flags, says what is wrong step by step"
}

// How long signing in may take at least, and how often it is said that it does.
const (
	signInPatience = 40 * time.Second
	signInReport   = 8 * time.Second
)

// retrySignIn returns signIn with patience: what fails for the moment is tried again,
// for about half a minute. A run that is told to begin at night must not be lost
// to one lost reply. What is going on is said meanwhile. All of it takes no longer
// than --timeout, but for a person, who has the time that it takes.
func (f *tenantFlags) retrySignIn(a *app, signIn func(context.Context) error) func(context.Context) error {
	method, _ := f.method()
	byHand := method == entra.DeviceCode || method == entra.Interactive
	limit := max(f.timeout, signInPatience)
	return func(ctx context.Context) error {
		bounded := ctx
		if !byHand {
			var cancel context.CancelFunc
			bounded, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
			begun := time.Now()
			defer a.every(signInReport, func() {
				a.console.Say("signing in, for %v by now; given up after %v", time.Since(begun).Round(time.Second), limit)
			})()
		}
		waits := backoff.NewExponentialBackOff(backoff.WithInitialInterval(time.Second), backoff.WithMultiplier(2), backoff.WithMaxElapsedTime(0))
		again := backoff.WithContext(backoff.WithMaxRetries(waits, 5), bounded)
		var last error // of a try that came to its end
		err := backoff.RetryNotify(func() error {
			err := signIn(bounded)
			if bounded.Err() == nil {
				last = err
			}
			if e, ok := errors.AsType[*tenant.Error](err); ok && e.Transient() {
				return err
			}
			return backoff.Permanent(err)
		}, again, func(err error, wait time.Duration) {
			a.console.Say("%v; trying again in %v", err, wait.Round(time.Second))
		})
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case last == nil:
			return fmt.Errorf("sign in: no answer within %v (--timeout)", limit)
		}
		return last
	}
}

// every calls f again and again, at that interval, until the function that it
// returns is called.
func (a *app) every(interval time.Duration, f func()) (stop func()) {
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
