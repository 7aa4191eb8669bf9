package powershell

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"rollcall/tenant"
)

// A credential is what a process connects with.
type credential struct {
	parameters []parameter // of Connect-ExchangeOnline
	token      string      // or ""
	expires    time.Time   // when the token ends, or zero if that is not known
}

// secrets returns what of c must not be shown.
func (c credential) secrets() []string {
	if c.token == "" {
		return nil
	}
	return []string{c.token}
}

// credential returns what a process signs in with. Refused is as in [SignIn.Token].
func (s SignIn) credential(ctx context.Context, refused string) (c credential, err error) {
	add := func(name, kind, value string) {
		if value != "" {
			c.parameters = append(c.parameters, parameter{Name: text(name), Type: text(kind), Value: text(value)})
		}
	}
	switch s.Method {
	case AccessToken:
		c.token, c.expires, err = s.Token(ctx, refused)
		if err != nil && refused != "" && ctx.Err() == nil {
			c.token, c.expires, err = s.Token(ctx, "") // there is no other
		}
		switch {
		case err != nil:
			return credential{}, err
		case strings.TrimSpace(c.token) == "":
			return credential{}, errors.New("the access token is empty")
		}
		add("AccessToken", "string", c.token)
		add("Organization", "string", s.Organization)
		add("UserPrincipalName", "string", s.Account)
	case Thumbprint:
		add("AppId", "string", s.AppID)
		add("Organization", "string", s.Organization)
		add("CertificateThumbprint", "string", s.Thumbprint)
	case DeviceCode:
		add("Device", "bool", "true")
		add("UserPrincipalName", "string", s.Account)
	case Interactive:
		add("UserPrincipalName", "string", s.Account)
	}
	add("ExchangeEnvironmentName", "string", s.Environment)
	return c, nil
}

// byHand reports whether a person signs in, once for each process.
func (s SignIn) byHand() bool { return s.Method == DeviceCode || s.Method == Interactive }

// wait returns what a person is to do to sign in, where the module does not write
// it, or "".
func (s SignIn) wait() string {
	if s.Method == Interactive {
		return "sign in in the browser that opens; where none does, sign in by device-code: it shows a code to type elsewhere"
	}
	return ""
}

// refusal returns f as the error of a sign-in, with Entra ID's reason if any of its
// exceptions has one. If a person signs in it is final: another attempt would ask
// them again.
func (t *Tenant) refusal(f *failure, secrets []string) error {
	err := f.refusal(t.String(), secrets)
	_, final := errors.AsType[*SetupError](err)
	switch reason := f.entra(); {
	case !final && !t.cfg.SignIn.byHand():
		return err
	case reason != "":
		return setupError("", "sign-in refused: %s", tenant.Clean(reason, secrets...))
	case !final:
		return setupError("", "%v", err) // not %w: it is no failure that may pass
	}
	return err
}

// entraReason matches the reason that Entra ID gives for refusing a sign-in.
var entraReason = regexp.MustCompile(`AADSTS\d+: .*`)

// entra returns the reason that Entra ID gave, or "". The innermost exception has
// it; others name another cause.
func (f *failure) entra() string {
	texts := append([]string{f.Message}, f.Details...)
	for _, text := range slices.Backward(texts) {
		reason := entraReason.FindString(text)
		for _, end := range []string{" Trace ID:", " Correlation ID:", " Timestamp:", " To troubleshoot"} {
			reason, _, _ = strings.Cut(reason, end)
		}
		if reason != "" {
			return strings.TrimRight(reason, ". \r")
		}
	}
	return ""
}

// isTrace reports whether a line is part of a stack trace of .NET. The error has what
// matters of it.
var isTrace = regexp.MustCompile(`^\s*(at [\w.<>` + "`" + `\[\],]+[.(]|--- End of |---> |[\w.]+\.\w+Exception: )`).MatchString
