package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"strings"

	"rollcall/pipeline/job"
	"rollcall/tenant"
	"rollcall/tenant/connect"
	"rollcall/tenant/entra"
	"rollcall/tenant/exchange"
	"rollcall/tenant/powershell"
)

// explain adds to err, an error of a tenant, what to do about it if signing in failed, or got
// no answer, or the tenant refused the token. Auth is how to sign in.
func explain(err error, auth string) error {
	if _, explained := errors.AsType[*exit](err); explained || err == nil {
		return err
	}
	hint := signInHint(err)
	if errors.Is(err, tenant.Unauthorized) {
		hint = cmp.Or(hint, accessHint(err), refusedHint(auth))
	}
	if _, ok := errors.AsType[*connect.UnansweredError](err); ok {
		hint = cmp.Or(hint, "later the same command begins again; "+doctorHint)
	}
	if hint == "" {
		return err
	}
	return &exit{status: exitError, err: err, hint: hint}
}

// signInHint returns what to do about err if the error itself says what is missing for
// signing in or has to be repaired before it, and otherwise "".
func signInHint(err error) string {
	if _, ok := errors.AsType[*connect.SignInError](err); ok {
		return cmp.Or(entra.Hint(err.Error()), missingHint(err))
	}
	if e, ok := errors.AsType[*powershell.SetupError](err); ok {
		return cmp.Or(e.Hint, entra.Hint(err.Error()))
	}
	return ""
}

// places name the flags and environment variables for each thing that signing in needs.
var places = map[entra.Need]string{
	entra.NeedTenant:         "--organization or AZURE_TENANT_ID",
	entra.NeedClient:         "--client-id or AZURE_CLIENT_ID",
	entra.NeedSecret:         secretVariable + " or a file that --secret-file names",
	entra.NeedCertificate:    "a file that --certificate or AZURE_CLIENT_CERTIFICATE_PATH names",
	entra.NeedPassword:       passwordVariable,
	entra.NeedFederatedToken: "a file that AZURE_FEDERATED_TOKEN_FILE names",
	entra.NeedToken:          tokenVariable + " or a file that --token-file names",
}

// missingHint returns where to put the things that are missing according to err.
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

// accessHint returns what to do about err, of a tenant that refuses the token, if the
// error says why, and otherwise "".
func accessHint(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "this machine does not trust the server's certificate: check --endpoint, and whether a proxy is in between"
	}
	if errors.Is(err, exchange.ErrNoBatch) {
		return "use --batch 1, which sends each call in its own request"
	}
	return entra.Hint(err.Error())
}

// refusedHint returns what to do when the tenant does not say why it refuses the token.
func refusedHint(auth string) string {
	if auth == entra.Token {
		return "the tenant does not accept the access token: put a new one in " + tokenVariable + ", or in the file that --token-file names"
	}
	return doctorHint
}

const doctorHint = "rollcall doctor, with the same flags, checks step by step what is wrong"

// ignoredHint says how to name what a summary has that is ignored.
func ignoredHint(e *job.IgnoredError) string {
	var words []string
	if e.Noun != "" {
		words = append(words, "--noun", e.Noun)
	}
	if e.Where == nil {
		return "if the summary is right: " + strings.TrimPrefix(commandLine(words), "rollcall ")
	}
	return "if the summary is right: " + strings.TrimPrefix(commandLine(append(words, flagsFor(*e.Where)...)), "rollcall ") + " (or a --profile that names the tenant)"
}
