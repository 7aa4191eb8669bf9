package powershell

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// parameters returns those of Connect-ExchangeOnline that s stands for, and
// the secrets among them. Refused is a token that will not do, or "".
func (s SignIn) parameters(ctx context.Context, refused string) (list []parameter, secrets []string, err error) {
	add := func(name, kind, value string) {
		if value != "" {
			list = append(list, parameter{Name: text(name), Type: text(kind), Value: text(value)})
		}
	}
	switch s.Method {
	case Certificate:
		file, err := filepath.Abs(s.CertificateFile) // it wants the whole path
		if err != nil {
			return nil, nil, err
		}
		add("AppId", "string", s.AppID)
		add("Organization", "string", s.Organization)
		add("CertificateFilePath", "string", file)
		add("CertificatePassword", "secret", s.CertificatePassword)
		secrets = append(secrets, s.CertificatePassword)
	case Thumbprint:
		add("AppId", "string", s.AppID)
		add("Organization", "string", s.Organization)
		add("CertificateThumbprint", "string", s.Thumbprint)
	case ManagedIdentity:
		add("ManagedIdentity", "bool", "true")
		add("Organization", "string", s.Organization)
		add("ManagedIdentityAccountId", "string", s.Account)
	case DeviceCode:
		add("Device", "bool", "true")
		add("UserPrincipalName", "string", s.Account)
	case Interactive:
		add("UserPrincipalName", "string", s.Account)
	case AccessToken:
		token, err := s.Token(ctx, refused)
		if err != nil && refused != "" && ctx.Err() == nil {
			token, err = s.Token(ctx, "") // there is no other
		}
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("token: %w", err)
		case strings.TrimSpace(token) == "":
			return nil, nil, errors.New("token: empty")
		}
		add("AccessToken", "string", token)
		add("Organization", "string", s.Organization)
		add("UserPrincipalName", "string", s.Account)
		secrets = append(secrets, token)
	}
	add("ExchangeEnvironmentName", "string", s.Environment)
	return list, secrets, nil
}
