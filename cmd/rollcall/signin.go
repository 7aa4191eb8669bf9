package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"rollcall/tenant/entra"
)

// tokenVariable is the environment variable that holds an access token.
const tokenVariable = "ROLLCALL_ACCESS_TOKEN"

// method returns how to sign in. Nobody is signed in as by accident: without
// --auth it is by a token that is there, or not at all.
func (f *tenantFlags) method() (string, error) {
	switch {
	case f.auth != "" && !slices.Contains(entra.Methods(), f.auth):
		return "", usage(fmt.Errorf("--auth %q: want one of %s", f.auth, strings.Join(entra.Methods(), ", ")))
	case f.auth != "":
		return f.auth, nil
	case f.tokenFile != "" || strings.TrimSpace(os.Getenv(tokenVariable)) != "":
		return "token", nil
	}
	return "", &exit{status: exitError, err: fmt.Errorf("no access token: %s is not set, and there is no --auth", tokenVariable),
		hint: "--auth certificate, managed-identity or workload for scheduled runs, device-code or interactive for a person; rollcall doctor tries it"}
}

// where returns the cloud, with its endpoint overruled.
func (f *tenantFlags) where() (entra.Cloud, error) {
	cloud, err := entra.LookupCloud(f.cloud)
	if err != nil {
		return cloud, usage(fmt.Errorf("--cloud: %w", err))
	}
	return cloud, nil
}

// endpointURL returns the base URL of the service.
func (f *tenantFlags) endpointURL() string {
	if f.endpoint != "" {
		return strings.TrimRight(f.endpoint, "/")
	}
	cloud, err := f.where()
	if err != nil {
		return ""
	}
	return cloud.Endpoint
}

// tokens returns where access tokens come from.
func (f *tenantFlags) tokens(a *app, method string) (*entra.Source, error) {
	cloud, err := f.where()
	if err != nil {
		return nil, err
	}
	// A proxy of the user's passes tokens on, so that they have to be good for
	// the service behind it.
	scope := cloud.Endpoint
	if entra.IsMicrosoft(f.endpointURL()) {
		scope = f.endpointURL()
	}
	source, err := entra.New(entra.Config{
		Method:      method,
		Cloud:       cloud,
		Tenant:      f.organizationID(),
		Client:      f.client,
		Scope:       scope + "/.default",
		Certificate: f.certificate,
		SecretFile:  f.secretFile,
		TokenFile:   f.tokenFile,
		Prompt:      func(text string) { a.console.Break(); a.console.Say("%s", text) },
		Getenv:      os.Getenv,
	})
	if err != nil {
		return nil, &exit{status: exitError, err: err, hint: "rollcall doctor --help lists the flags for signing in"}
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
