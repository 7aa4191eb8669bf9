package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/tenant/sandbox"
)

// What a request costs the server, beside net/http.
func BenchmarkServeHTTP(b *testing.B) {
	b.ReportAllocs()
	s := &Server{Tenant: sandbox.New()}
	const body = `{"CmdletInput":{"CmdletName":"Set-MyAnalyticsFeatureConfig","Parameters":{"Identity":"ada@contoso.com","PrivacyMode":"opt-out"}}}`
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/adminapi/beta/11111111-2222-3333-4444-555555555555/InvokeCommand", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer token")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

// What a batch of ten costs the server, beside net/http: a Get of five users, and a
// Set that changes them.
func BenchmarkBatch(b *testing.B) {
	b.ReportAllocs()
	s := &Server{Tenant: sandbox.New()}
	on, off := benchBatch("true"), benchBatch("false")
	for b.Loop() {
		on, off = off, on
		r := httptest.NewRequest(http.MethodPost, here+batchPath, strings.NewReader(on))
		r.Header.Set("Authorization", "Bearer token")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
	}
	if c := s.Counts(); c.Batches != c.Requests || c.Cmdlets["Set-CASMailbox"] != 5*c.Requests || c.Failed > 0 {
		b.Fatal(c)
	}
}

// benchBatch returns the body of a batch that sets PopEnabled to value.
func benchBatch(value string) string {
	var parts []string
	for i := range maxParts {
		cmdlet, parameters := "Get-CASMailbox", ""
		if i%2 > 0 {
			cmdlet, parameters = "Set-CASMailbox", `,"PopEnabled":`+value
		}
		parts = append(parts, fmt.Sprintf(`{"id":"%d","method":"POST","url":"%s","headers":{"X-CmdletName":"%s",`+
			`"X-AnchorMailbox":"APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@11111111-2222-3333-4444-555555555555",`+
			`"Authorization":"Bearer token","Prefer":"odata.maxpagesize=1000;odata.continue-on-error",`+
			`"Content-Type":"application/json","Accept":"application/json"},`+
			`"body":{"CmdletInput":{"CmdletName":"%[3]s","Parameters":{"Identity":"user%d@contoso.com"%s}}}}`,
			i, here+path, cmdlet, i/2, parameters))
	}
	return `{"requests":[` + strings.Join(parts, ",") + `]}`
}
