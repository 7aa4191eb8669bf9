package entra

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"rollcall/tenant"
)

// A builder makes credentials of a Config whose Tenant and Client are found.
type builder struct {
	Config
	options azcore.ClientOptions
	offline bool // the authority is not Microsoft's, and Microsoft does not know it

	secrets, warnings []string
}

func (b *builder) needTenant() need {
	return need{b.Tenant, "tenant ID", tenantVariable}
}

func (b *builder) needClient() need {
	return need{b.Client, "client ID of an application", clientVariable}
}

// builder returns a function that makes the credential, with all files read
// and nothing missing.
func (b *builder) builder() (func() (azcore.TokenCredential, error), error) {
	switch b.Method {
	case Secret:
		return b.secret()
	case Certificate:
		return b.certificate()
	case Workload:
		return b.workload()
	case DeviceCode:
		return b.deviceCode()
	case Interactive:
		return b.interactive()
	case ManagedIdentity:
		return func() (azcore.TokenCredential, error) {
			o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: b.options}
			if b.Client != "" {
				o.ID = azidentity.ClientID(b.Client)
			}
			return azidentity.NewManagedIdentityCredential(o)
		}, nil
	case AzureCLI:
		return func() (azcore.TokenCredential, error) {
			return azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: b.Tenant})
		}, nil
	}
	return func() (azcore.TokenCredential, error) {
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: b.options, DisableInstanceDiscovery: b.offline, TenantID: b.Tenant})
	}, nil
}

func (b *builder) secret() (func() (azcore.TokenCredential, error), error) {
	secret := b.or("", secretVariable)
	if b.SecretFile != "" {
		var warning string
		var err error
		if secret, warning, err = readSecret(b.SecretFile); err != nil {
			return nil, err
		}
		if warning != "" {
			b.warnings = append(b.warnings, warning)
		}
	}
	err := missing(b.needTenant(), b.needClient(), need{secret, "secret", secretVariable + " or a file"})
	if err != nil {
		return nil, err
	}
	b.secrets = append(b.secrets, secret)
	return func() (azcore.TokenCredential, error) {
		return azidentity.NewClientSecretCredential(b.Tenant, b.Client, secret, &azidentity.ClientSecretCredentialOptions{
			ClientOptions: b.options, DisableInstanceDiscovery: b.offline})
	}, nil
}

func (b *builder) certificate() (func() (azcore.TokenCredential, error), error) {
	name := b.or(b.Certificate, certVariable)
	err := missing(b.needTenant(), b.needClient(), need{name, "certificate", "a file and its name in " + certVariable})
	if err != nil {
		return nil, err
	}
	password := b.Getenv(passwordVariable)
	cert, err := readCertificate(name, password)
	if err != nil {
		return nil, err
	}
	if password != "" {
		b.secrets = append(b.secrets, password)
	}
	b.warnings = append(b.warnings, cert.warnings...)
	return func() (azcore.TokenCredential, error) {
		cred, err := azidentity.NewClientCertificateCredential(b.Tenant, b.Client, cert.certs, cert.key, &azidentity.ClientCertificateCredentialOptions{
			ClientOptions: b.options, DisableInstanceDiscovery: b.offline})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return cred, nil
	}, nil
}

func (b *builder) workload() (func() (azcore.TokenCredential, error), error) {
	name := b.or("", federatedVariable)
	err := missing(b.needTenant(), b.needClient(), need{name, "federated token", "a file and its name in " + federatedVariable})
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(name); err != nil {
		return nil, err
	}
	return func() (azcore.TokenCredential, error) {
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: b.options, DisableInstanceDiscovery: b.offline, TenantID: b.Tenant, ClientID: b.Client, TokenFilePath: name})
	}, nil
}

// person returns the application that a person signs in with.
func (b *builder) person() string {
	if b.Client == "" {
		return moduleClient
	}
	return b.Client
}

func (b *builder) deviceCode() (func() (azcore.TokenCredential, error), error) {
	if b.Prompt == nil {
		return nil, errors.New("nobody to show the code to")
	}
	return func() (azcore.TokenCredential, error) {
		return azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
			ClientOptions: b.options, DisableInstanceDiscovery: b.offline, TenantID: b.Tenant, ClientID: b.person(),
			DisableAutomaticAuthentication: true,
			UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
				b.Prompt(tenant.Clean(m.Message))
				return nil
			}})
	}, nil
}

func (b *builder) interactive() (func() (azcore.TokenCredential, error), error) {
	return func() (azcore.TokenCredential, error) {
		return azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
			ClientOptions: b.options, DisableInstanceDiscovery: b.offline, TenantID: b.Tenant, ClientID: b.person(),
			DisableAutomaticAuthentication: true})
	}, nil
}
