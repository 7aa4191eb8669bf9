package entra

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"rollcall/tenant"
)

// A builder makes the credential of a Config whose Tenant and Client are found.
type builder struct {
	Config
	options azcore.ClientOptions
	offline bool // the authority is not Microsoft's, and Microsoft does not know it

	secrets, warnings []string
}

func (b *builder) needTenant() need {
	return need{b.Tenant, "tenant ID", "--organization or " + tenantVariable}
}

func (b *builder) needClient() need {
	return need{b.Client, "client ID of an application", "--client-id or " + clientVariable}
}

// credential makes the credential, if nothing is missing.
func (b *builder) credential() (azcore.TokenCredential, error) {
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
		o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: b.options}
		if b.Client != "" {
			o.ID = azidentity.ClientID(b.Client)
		}
		return azidentity.NewManagedIdentityCredential(o)
	case AzureCLI:
		return azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: b.Tenant})
	}
	return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		ClientOptions: b.options, DisableInstanceDiscovery: b.offline, TenantID: b.Tenant})
}

func (b *builder) secret() (azcore.TokenCredential, error) {
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
	err := missing(b.needTenant(), b.needClient(), need{secret, "secret", secretVariable + " or a file that --secret-file names"})
	if err != nil {
		return nil, err
	}
	b.secrets = append(b.secrets, secret)
	return azidentity.NewClientSecretCredential(b.Tenant, b.Client, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: b.options, DisableInstanceDiscovery: b.offline})
}

func (b *builder) certificate() (azcore.TokenCredential, error) {
	name := b.or(b.Certificate, certVariable)
	err := missing(b.needTenant(), b.needClient(), need{name, "certificate", "a file that --certificate or " + certVariable + " names"})
	if err != nil {
		return nil, err
	}
	password := b.Getenv(passwordVariable)
	cert, err := readCertificate(name, password)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if password != "" {
		b.secrets = append(b.secrets, password)
	}
	b.warnings = append(b.warnings, cert.warnings...)
	cred, err := azidentity.NewClientCertificateCredential(b.Tenant, b.Client, cert.certs, cert.key, &azidentity.ClientCertificateCredentialOptions{
		ClientOptions: b.options, DisableInstanceDiscovery: b.offline})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return cred, nil
}

func (b *builder) workload() (azcore.TokenCredential, error) {
	name := b.or("", federatedVariable)
	err := missing(b.needTenant(), b.needClient(), need{name, "federated token", "a file that " + federatedVariable + " names"})
	if err != nil {
		return nil, err
	}
	if _, _, err := readFile(name); err != nil {
		return nil, err
	}
	return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: b.options, DisableInstanceDiscovery: b.offline, TenantID: b.Tenant, ClientID: b.Client, TokenFilePath: name})
}

// person returns the application that a person signs in with.
func (b *builder) person() string {
	if b.Client == "" {
		return moduleClient
	}
	return b.Client
}

func (b *builder) deviceCode() (azcore.TokenCredential, error) {
	if b.Prompt == nil {
		return nil, errors.New("nobody to show the code to")
	}
	return azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: b.options, DisableInstanceDiscovery: b.offline, TenantID: b.Tenant, ClientID: b.person(),
		DisableAutomaticAuthentication: true,
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			b.Prompt(tenant.Clean(m.Message))
			return nil
		}})
}

func (b *builder) interactive() (azcore.TokenCredential, error) {
	return azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
		ClientOptions: b.options, DisableInstanceDiscovery: b.offline, TenantID: b.Tenant, ClientID: b.person(),
		DisableAutomaticAuthentication: true})
}
