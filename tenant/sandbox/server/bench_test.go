package server

import (
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
