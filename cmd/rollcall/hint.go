package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/connect"
	"rollcall/tenant/entra"
	"rollcall/tenant/exchange"
	"rollcall/tenant/powershell"
)

// explain adds to err, of a tenant that is signed in to by auth, what to do about it
// if the tenant does not let us in.
func explain(err error, auth string) error {
	if _, explained := errors.AsType[*exit](err); explained || err == nil {
		return err
	}
	hint := signInHint(err)
	if errors.Is(err, tenant.Unauthorized) {
		hint = cmp.Or(hint, accessHint(err), refusedHint(auth))
	}
	if hint == "" {
		return err
	}
	return &exit{status: exitError, err: err, hint: hint}
}

// signInHint returns what to do about err if it says itself what is missing for
// signing in, or what has to be put right before it, and else "".
func signInHint(err error) string {
	if _, ok := errors.AsType[*connect.SignInError](err); ok {
		return cmp.Or(entra.Hint(err.Error()), missingHint(err))
	}
	if e, ok := errors.AsType[*powershell.SetupError](err); ok {
		return cmp.Or(e.Hint, entra.Hint(err.Error()))
	}
	return ""
}

// places are where the command line takes from what there may be no other source
// for.
var places = map[entra.Need]string{
	entra.NeedTenant:         "--organization or AZURE_TENANT_ID",
	entra.NeedClient:         "--client-id or AZURE_CLIENT_ID",
	entra.NeedSecret:         secretVariable + " or a file that --secret-file names",
	entra.NeedCertificate:    "a file that --certificate or AZURE_CLIENT_CERTIFICATE_PATH names",
	entra.NeedPassword:       passwordVariable,
	entra.NeedFederatedToken: "a file that AZURE_FEDERATED_TOKEN_FILE names",
	entra.NeedToken:          tokenVariable + " or a file that --token-file names",
}

// missingHint returns where to put what err says is missing.
func missingHint(err error) string {
	if errors.Is(err, connect.ErrNoAuth) {
		return "set " + tokenVariable + ", or choose: --auth certificate, managed-identity or workload for scheduled runs, --auth device-code or interactive for a person"
	}
	e, ok := errors.AsType[*entra.MissingError](err)
	if !ok {
		return "rollcall doctor --help lists the flags for signing in"
	}
	var all []string
	for _, n := range e.Needs {
		all = append(all, "the "+string(n)+" in "+places[n])
	}
	return "put " + strings.Join(all, ", ")
}

// accessHint returns what to do about err, of a tenant that does not let us in, if
// it says why, and else "".
func accessHint(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the server's certificate is not one that this machine trusts: check --endpoint, and whether a proxy is in between"
	}
	if errors.Is(err, exchange.ErrNoBatch) {
		return "--batch 1 sends each call in a request of its own"
	}
	return entra.Hint(err.Error())
}

// refusedHint says what to do when the tenant does not say why it lets nobody in.
func refusedHint(auth string) string {
	if auth == entra.Token {
		return "the tenant does not accept the access token: put a fresh one in " + tokenVariable + ", or in the file that --token-file names"
	}
	return "rollcall doctor, with the same flags, says what is wrong step by step"
}
