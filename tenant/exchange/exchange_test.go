package exchange

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

const (
	org   = "11111111-2222-3333-4444-555555555555"
	token = "a-token-of-no-form"
)

var (
	get = tenant.Cmdlet{Name: "Get-CASMailbox", Identity: "ada@example.org"}
	set = tenant.Cmdlet{Name: "Set-CASMailbox", Identity: "ada@example.org", Parameters: []tenant.Parameter{
		{Name: "PopEnabled", Value: false}, {Name: "ImapEnabled", Value: true},
		{Name: "MaxSize", Value: json.Number("12.50")}, {Name: "Policy", Value: nil}, {Name: "Note", Value: `<"é">`}}}
)

// newClient returns a Client of the server at endpoint.
func newClient(t testing.TB, endpoint string, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{Config: rest.Config{Organization: org}}
	cfg.Endpoint = endpoint
	cfg.Token = func(context.Context, string, string) (string, error) { return token, nil }
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// serve returns a Client of a server that has handler.
func serve(t testing.TB, handler http.HandlerFunc, change ...func(*Config)) *Client {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	return newClient(t, srv.URL, change...)
}

// failed returns the tenant.Error of a call that is to fail with class.
func failed(t *testing.T, err error, class tenant.Class) *tenant.Error {
	t.Helper()
	e, ok := errors.AsType[*tenant.Error](err)
	if !ok {
		t.Fatalf("error %v (%T), want a *tenant.Error", err, err)
	}
	if e.Class != class {
		t.Errorf("error %v has class %v, want %v", err, e.Class, class)
	}
	return e
}

// The requests are, but for what differs each time, these.
func TestRequestText(t *testing.T) {
	const head = `POST /adminapi/beta/11111111-2222-3333-4444-555555555555/InvokeCommand HTTP/1.1
Host: HOST
User-Agent: rollcall
Content-Length: %d
Accept: application/json
Authorization: Bearer a-token-of-no-form
Client-Request-Id: GUID
Connection-Id: GUID
Content-Type: application/json; charset=utf-8
Prefer: odata.maxpagesize=1000
X-Anchormailbox: APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@11111111-2222-3333-4444-555555555555
X-Clientapplication: rollcall
X-Cmdletname: %s
X-Responseformat: json
X-Serializationlevel: Partial
Accept-Encoding: gzip

%s`
	for _, test := range []struct {
		cmdlet tenant.Cmdlet
		body   string
	}{
		{get, `{"CmdletInput":{"CmdletName":"Get-CASMailbox","Parameters":{"Identity":"ada@example.org"}}}`},
		{set, `{"CmdletInput":{"CmdletName":"Set-CASMailbox","Parameters":{"Identity":"ada@example.org","PopEnabled":false,"ImapEnabled":true,"MaxSize":12.50,"Policy":null,"Note":"\u003c\"é\"\u003e"}}}`},
	} {
		sent, endpoint := record(t, "HTTP/1.1 204 No Content\r\n\r\n")
		if _, err := newClient(t, endpoint).Run(t.Context(), test.cmdlet); err != nil {
			t.Fatal(err)
		}
		got := <-sent
		got = strings.ReplaceAll(got, "\r\n", "\n")
		got = strings.Replace(got, strings.TrimPrefix(endpoint, "http://"), "HOST", 1)
		guid := regexp.MustCompile(`(?m)(-Id: )[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
		got = guid.ReplaceAllString(got, "${1}GUID")
		if want := fmt.Sprintf(head, len(test.body), test.cmdlet.Name, test.body); got != want {
			t.Errorf("%s sent\n%s\nwant\n%s", test.cmdlet.Name, got, want)
		}
	}
}

// record returns the address of a server that answers one request with reply
// and sends the text of the request to the channel.
func record(t *testing.T, reply string) (<-chan string, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	sent := make(chan string, 1)
	go func() {
		defer close(sent)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var text bytes.Buffer
		r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(conn, &text)))
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		sent <- text.String()
		io.WriteString(conn, reply)
	}()
	return sent, "http://" + l.Addr().String()
}

// A connection is known by one ID, a Run by another, and neither by the token.
func TestRequestIDs(t *testing.T) {
	var mu sync.Mutex
	connections, runs := map[string]int{}, map[string]int{}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		connections[r.Header.Get("connection-id")]++
		runs[r.Header.Get("client-request-id")]++
		mu.Unlock()
		if r.URL.RawQuery == "" {
			fmt.Fprint(w, `{"value":[],"@odata.nextLink":"?page=2"}`)
		}
	})
	for range 3 {
		if _, err := c.Run(t.Context(), get); err != nil {
			t.Fatal(err)
		}
	}
	if len(connections) != 1 || len(runs) != 3 {
		t.Errorf("%d connection-ids and %d client-request-ids, want 1 and 3", len(connections), len(runs))
	}
	for id, n := range runs {
		if n != 2 {
			t.Errorf("client-request-id %s on %d requests, want 2", id, n)
		}
	}
}

// What may not be sent is not, whatever asks for it.
func TestRefusedBeforeSending(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Error("a request was sent") })
	with := func(p ...tenant.Parameter) tenant.Cmdlet {
		return tenant.Cmdlet{Name: "Set-Mailbox", Identity: "ada@example.org", Parameters: p}
	}
	for _, test := range []struct {
		cmdlet tenant.Cmdlet
		want   string
	}{
		{tenant.Cmdlet{Name: "Remove-Mailbox", Identity: "ada@example.org"}, "not a Get- or Set- cmdlet"},
		{tenant.Cmdlet{Name: "Set-Mailbox"}, "no identity"},
		{with(tenant.Parameter{Name: "identity", Value: "eve@example.org"}), `parameter "identity": given twice`},
		{with(tenant.Parameter{Name: "A", Value: true}, tenant.Parameter{Name: "a", Value: true}), `parameter "a": given twice`},
		{with(tenant.Parameter{Name: "A@odata.type", Value: "x"}), `parameter "A@odata.type": want letters and digits`},
		{with(tenant.Parameter{Name: "", Value: "x"}), `parameter "": want letters and digits`},
		{with(tenant.Parameter{Name: "A", Value: 1.5}), `parameter "A": a value of type float64 can't be sent`},
		{with(tenant.Parameter{Name: "A", Value: json.Number("1]")}), `parameter "A"`},
	} {
		_, err := c.Run(t.Context(), test.cmdlet)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Run(%v) = %v; want %q", test.cmdlet, err, test.want)
		}
		if _, ok := errors.AsType[*tenant.Error](err); ok {
			t.Errorf("Run(%v) = %v, a *tenant.Error, of a call that no tenant saw", test.cmdlet, err)
		}
	}
}

// An error names the cmdlet and the user.
func TestErrorNamesCall(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		http.Error(w, "slow down", http.StatusTooManyRequests)
	})
	_, err := c.Run(t.Context(), set)
	if got, want := fmt.Sprint(err), "Set-CASMailbox ada@example.org: slow down (HTTP 429)"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	if e := failed(t, err, tenant.Throttled); e.RetryAfter.Seconds() != 7 {
		t.Errorf("RetryAfter %v, want 7s", e.RetryAfter)
	}
}

// Any number of goroutines may run cmdlets at once, each getting its own
// answer, over no more connections than there are calls at once.
func TestConcurrentRuns(t *testing.T) {
	const workers, each = 8, 50
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			CmdletInput struct {
				Parameters struct{ Identity string }
			}
		}
		json.NewDecoder(r.Body).Decode(&body)
		fmt.Fprintf(w, `{"value":[{"Identity":%q}],"@adminapi.warnings":["hello"]}`, body.CmdletInput.Parameters.Identity)
	}))
	var opened atomic.Int64
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)

	var warnings atomic.Int64
	c := newClient(t, srv.URL, func(cfg *Config) {
		cfg.Connections = workers
		cfg.Warn = func(tenant.Cmdlet, string) { warnings.Add(1) }
	})
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				who := fmt.Sprintf("user%d-%d@example.org", w, i)
				objects, err := c.Run(t.Context(), get.For(who))
				if err != nil || len(objects) != 1 || objects[0]["Identity"] != who {
					t.Errorf("Run for %s = %v, %v", who, objects, err)
				}
			}
		})
	}
	wg.Wait()
	if n := warnings.Load(); n != workers*each {
		t.Errorf("%d warnings, want %d", n, workers*each)
	}
	// A worker may dial while another's connection is on its way back.
	if n := opened.Load(); n > 3*workers {
		t.Errorf("%d connections for %d workers", n, workers)
	}
}

// Over TLS the request goes by HTTP/2, and only to a server whose certificate
// is good.
func TestTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"value":[{"Proto":%q,"TLS":%t}]}`, r.Proto, r.TLS != nil)
	}))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = discard()
	srv.StartTLS()
	t.Cleanup(srv.Close)

	_, err := newClient(t, srv.URL).Run(t.Context(), get)
	if e := failed(t, err, tenant.Unauthorized); !strings.Contains(e.Error(), "certificate") {
		t.Errorf("error %v, want one about the certificate", err)
	}

	trusting := rest.NewTransport(1)
	trusting.TLSClientConfig.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c := newClient(t, srv.URL, func(cfg *Config) { cfg.Transport = trusting })
	objects, err := c.Run(t.Context(), get)
	if err != nil || objects[0]["Proto"] != "HTTP/2.0" || objects[0]["TLS"] != true {
		t.Errorf("Run = %v, %v; want it over HTTP/2 and TLS", objects, err)
	}
}
