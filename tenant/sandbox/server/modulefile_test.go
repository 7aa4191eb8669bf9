package server

import (
	"net/http/httptest"
	"rollcall/tenant/sandbox"
	"slices"
	"strings"
	"testing"
)

// A list of the cmdlets that may be run, to who asks for it as the module does.
func TestModuleFile(t *testing.T) {
	for _, test := range []struct {
		name, method, query, header, token string
		status                             int
	}{
		{"good", "GET", "?Version=3.9.2", "*", secret, 200},
		{"POST", "POST", "?Version=3.9.2", "*", secret, 405},
		{"no version", "GET", "", "*", secret, 400},
		{"no name", "GET", "?Version=3.9.2", "", secret, 400},
		{"token", "GET", "?Version=3.9.2", "*", "x", 401},
	} {
		for _, version := range []string{"v1.0", "beta"} {
			s := &Server{Tenant: sandbox.New(), Token: secret, Rate: 1e-9}
			r := httptest.NewRequest(test.method, "/adminapi/"+version+"/"+organization+"/EXOModuleFile"+test.query, nil)
			r.Header.Set("CommandName", test.header)
			r.Header.Set("Authorization", "Bearer "+test.token)
			w := httptest.NewRecorder()
			if s.ServeHTTP(w, r); w.Code != test.status {
				t.Errorf("%s: %d %s, want %d", test.name, w.Code, w.Body, test.status)
			}
			if w.Code != 200 {
				continue
			}
			values := decode(t, w.Body.String())["value"].([]any)
			names := strings.Split(values[0].(map[string]any)["exportedCmdlets"].(string), ",")
			for _, want := range []string{"Get-UserAnalyticsConfig", "Set-CASMailbox", "Get-Mailbox"} {
				if !slices.Contains(names, want) {
					t.Errorf("%s has no %s", names, want)
				}
			}
		}
	}
}
