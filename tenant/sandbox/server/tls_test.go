package server

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"rollcall/tenant/sandbox"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// The authority vouches for this machine by all its names, and for nothing else.
func TestAuthority(t *testing.T) {
	config, authority, err := NewTLS()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	leaf, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "[::1]": true, "127.0.0.2": false, "contoso.com": false} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots}); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	block, rest := pem.Decode(authority)
	if ca, err := x509.ParseCertificate(block.Bytes); err != nil || len(rest) > 0 || !ca.PermittedDNSDomainsCritical || len(ca.PermittedDNSDomains) != 1 || len(ca.PermittedIPRanges) != 2 || ca.Subject.CommonName != Authority {
		t.Errorf("%v, %d bytes more: %+v", err, len(rest), ca)
	}
	other, _, _ := NewTLS()
	otherLeaf, _ := x509.ParseCertificate(other.Certificates[0].Certificate[0])
	if _, err := otherLeaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: roots}); err == nil {
		t.Error("vouches for another start's certificate")
	}
}

// TLS 1.2 is the least, and who does not know the authority is not served.
func TestTLSVersions(t *testing.T) {
	address, client := serveTLS(t, &Server{Tenant: sandbox.New()}, true)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	pool := client.Transport.(*http.Transport).TLSClientConfig.RootCAs
	for version, want := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := tls.Dial("tcp", u.Host, &tls.Config{RootCAs: pool, MinVersion: version, MaxVersion: version})
		if (err == nil) != want {
			t.Errorf("TLS %x: %v", version, err)
		}
		if err == nil {
			c.Close()
		}
	}
	if _, err := new(http.Client).Get(address); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the authority: %v", err)
	}
}

// Faults of the connection are the same over TLS; of HTTP/2 they are the
// stream's.
func TestFaultsOverTLS(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, fault := range []string{faultReset, faultLost, faultTruncated} {
			s := &Server{Tenant: sandbox.New(), Faults: Faults{fault: 1}}
			address, client := serveTLS(t, s, http2)
			res, err := client.Do(newRequest(t, address+path, envelope("Set-UserBriefingConfig ada Enabled=false")))
			if fault == faultTruncated {
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 || (res.ProtoMajor == 2) != http2 {
					t.Errorf("%s over %s: %q, %v", fault, res.Proto, body, err)
				}
			} else if err == nil || isReset(err) == http2 || strings.Contains(err.Error(), "stream error") != http2 {
				t.Errorf("%s, HTTP/2: %t: %v", fault, http2, err)
			}
			if set := s.Counts().UsersSet; set != map[string]int{faultReset: 0, faultLost: 1, faultTruncated: 1}[fault] {
				t.Errorf("%s: %d users set", fault, set)
			}
		}
	}
}

// A page's link is where the client came in.
func TestLinkOverTLS(t *testing.T) {
	address, client := serveTLS(t, &Server{Tenant: sandbox.New(), Faults: Faults{faultPaged: 1}}, true)
	res, err := client.Do(newRequest(t, address+path, envelope("Get-Mailbox ada")))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if link, _ := decode(t, string(b))["@odata.nextLink"].(string); !strings.HasPrefix(link, address+path+"?") {
		t.Errorf("link %q from %s", link, address)
	}
}

// All of it over TLS, as a client on the same machine has it, in HTTP/2.
func TestOverTLS(t *testing.T) {
	s := &Server{Tenant: sandbox.New(), RequireIssued: true, ClientSecret: hush}
	url, client := serveTLS(t, s, true)
	c, err := azidentity.NewClientSecretCredential(organization, clientID, hush, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: options(url, client), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	token, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{url + "/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	r := newRequest(t, url+path, envelope("Get-Mailbox ada"))
	r.Header.Set("Authorization", "Bearer "+token.Token)
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 || res.ProtoMajor != 2 {
		t.Errorf("%d over %s", res.StatusCode, res.Proto)
	}
}

// serveTLS has s listen on this machine, and returns its address and a client
// that trusts only its authority.
func serveTLS(t *testing.T, s *Server, http2 bool) (string, *http.Client) {
	t.Helper()
	config, authority, err := NewTLS()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s)
	server.EnableHTTP2 = http2
	if !http2 {
		config.NextProtos = nil
	}
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		t.Fatalf("%s is no certificate", authority)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: http2}
	t.Cleanup(transport.CloseIdleConnections)
	return server.URL, &http.Client{Transport: transport}
}
