package powershell

import (
	"context"
	"errors"
	"strings"
	"time"
)

// A credential is what a process connects with.
type credential struct {
	parameters []parameter // of Connect-ExchangeOnline
	token      string      // or ""
	expires    time.Time   // when the token ends, or zero if that is not known
}

// secrets returns what of c no text may show.
func (c credential) secrets() []string {
	if c.token == "" {
		return nil
	}
	return []string{c.token}
}

// credential returns what s stands for. Refused is as [SignIn.Token] has it.
func (s SignIn) credential(ctx context.Context, refused string) (c credential, err error) {
	add := func(name, kind, value string) {
		if value != "" {
			c.parameters = append(c.parameters, parameter{text(name), text(kind), text(value)})
		}
	}
	switch s.Method {
	case AccessToken:
		c.token, c.expires, err = s.Token(ctx, refused)
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
