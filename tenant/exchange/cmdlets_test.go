package exchange

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"

	"rollcall/tenant"
)

// The list is asked for as one public client does.
func TestCmdletsRequest(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if got, want := r.Method+" "+r.RequestURI, "GET /adminapi/v1.0/"+org+"/EXOModuleFile?Version=3.9.2"; got != want || len(body) != 0 {
			t.Errorf("%s with body %q; want %s without", got, body, want)
		}
		for name, want := range map[string]string{"CommandName": "*", "Authorization": "Bearer " + token, "Accept": "application/json", "Content-Type": "", "X-CmdletName": ""} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q; want %q", name, got, want)
			}
		}
		if r.Header.Get("X-AnchorMailbox") == "" || r.Header.Get("client-request-id") == "" {
			t.Errorf("headers %v", r.Header)
		}
		fmt.Fprint(w, `{"value":[{"exportedCmdlets":"Get-Mailbox"}]}`)
	})
	if _, err := c.Cmdlets(t.Context()); err != nil {
		t.Error(err)
	}
}

// The names are found in each form that the list may have, and nothing else is
// taken for one.
func TestCmdlets(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		want   []string
		class  tenant.Class
		text   string
	}{
		{200, `{"value":[{"exportedCmdlets":"Set-Mailbox, Get-Mailbox,Get-Mailbox,"}]}`, []string{"Get-Mailbox", "Set-Mailbox"}, 0, ""},
		{200, `{"value":[{"ExportedCmdlets":["Set-Mailbox","Get-Mailbox"]},{"exportedCmdlets":"Get-CASMailbox"}]}`, []string{"Get-CASMailbox", "Get-Mailbox", "Set-Mailbox"}, 0, ""},
		{200, `{"value":[{"exportedCmdlets":["Get-A,Get-B",7,null]},{"other":1},{"exportedCmdlets":{"x":1}}]}`, []string{"Get-A", "Get-B"}, 0, ""},
		{200, `{"value":[{"exportedCmdlets":"Get-A,rm -rf,\u001b[31m,-,Get-"}]}`, []string{"Get-A"}, 0, ""},
		{200, `{"value":[]}`, nil, tenant.Failed, "the reply names no cmdlet"},
		{200, ``, nil, tenant.Failed, "the reply names no cmdlet"},
		{200, `{"value":"x"}`, nil, tenant.Failed, "the reply's value is not a list of objects"},
		{200, `<html><title>Sign in</title>`, nil, tenant.Unavailable, "the reply is not JSON: an HTML page, Sign in"},
		{302, ``, nil, tenant.Failed, `a redirect to "evil.example", which is not followed`},
		{401, ``, nil, tenant.Unavailable, "unauthorized"},
		{403, ``, nil, tenant.Denied, "forbidden"},
		{429, ``, nil, tenant.Throttled, "too many requests"},
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://evil.example/")
			w.WriteHeader(test.status)
			fmt.Fprint(w, test.body)
		})
		got, err := c.Cmdlets(t.Context())
		if test.text == "" {
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("%s: %v, %v; want %v", test.body, got, err, test.want)
			}
			continue
		}
		e := failed(t, err, test.class)
		if got != nil || e.Err.Error() != test.text || e.Op != "list cmdlets of" || e.Object != org {
			t.Errorf("%d %s: %v, %v; want %s", test.status, test.body, got, err, test.text)
		}
	}
}

// The next page of the list is asked for as the first was.
func TestCmdletsPages(t *testing.T) {
	n := 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; r.Method != "GET" || r.Header.Get("CommandName") != "*" {
			t.Errorf("page %d: %s with %v", n, r.Method, r.Header)
		}
		if n == 1 {
			fmt.Fprint(w, `{"value":[{"exportedCmdlets":"Get-A"}],"@odata.nextLink":"?page=2"}`)
		} else {
			fmt.Fprint(w, `{"value":[{"exportedCmdlets":"Get-B"}]}`)
		}
	})
	if got, err := c.Cmdlets(t.Context()); err != nil || !slices.Equal(got, []string{"Get-A", "Get-B"}) {
		t.Errorf("%v, %v", got, err)
	}
}
