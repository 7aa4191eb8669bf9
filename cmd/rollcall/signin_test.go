package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/rogpeppe/go-internal/testscript"
)

func signIn(ts *testscript.TestScript, neg bool, args []string) {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(ts.ReadFile(args[1])))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	credential, err := azidentity.NewClientSecretCredential(ts.Getenv("ORG"), "22222222-0000-0000-0000-000000000000", args[0],
		&azidentity.ClientSecretCredentialOptions{
			ClientOptions: azcore.ClientOptions{
				Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: ts.Getenv("ENDPOINT")},
				Transport: client,
			},
			DisableInstanceDiscovery: true,
		})
	ts.Check(err)
	token, err := credential.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{ts.Getenv("ENDPOINT") + "/.default"}})
	if (err != nil) != neg {
		ts.Fatalf("sign in: %v", err)
	}
	ts.Setenv("ROLLCALL_ACCESS_TOKEN", token.Token)
}
