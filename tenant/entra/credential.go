package entra

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"rollcall/tenant"
)

// A builder makes the credential of a Config that has Tenant and Client.
type builder struct {
	Config
	options azcore.ClientOptions
	offline bool // the authority is not Microsoft's, and Microsoft does not know it

	secrets, warnings []string
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
	secret := b.Secret
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
	err := missing(map[Need]string{NeedTenant: b.Tenant, NeedClient: b.Client, NeedSecret: secret})
	if err != nil {
		return nil, err
	}
	b.secrets = append(b.secrets, secret)
	return azidentity.NewClientSecretCredential(b.Tenant, b.Client, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: b.options, DisableInstanceDiscovery: b.offline})
}

func (b *builder) certificate() (azcore.TokenCredential, error) {
	err := missing(map[Need]string{NeedTenant: b.Tenant, NeedClient: b.Client, NeedCertificate: b.Certificate})
	if err != nil {
		return nil, err
	}
	cert, err := readCertificate(b.Certificate, b.Password)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if b.Password != "" {
		b.secrets = append(b.secrets, b.Password)
	}
	b.warnings = append(b.warnings, cert.warnings...)
	cred, err := azidentity.NewClientCertificateCredential(b.Tenant, b.Client, cert.certs, cert.key, &azidentity.ClientCertificateCredentialOptions{
		ClientOptions: b.options, DisableInstanceDiscovery: b.offline})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Certificate, err)
	}
	return cred, nil
}

func (b *builder) workload() (azcore.TokenCredential, error) {
	name := b.FederatedTokenFile
	err := missing(map[Need]string{NeedTenant: b.Tenant, NeedClient: b.Client, NeedFederatedToken: name})
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
		return nil, errors.New("there is no person to show the code to")
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
