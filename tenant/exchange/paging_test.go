package exchange

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// A fake is a tenant without a socket.
type fake func(*http.Request) (*http.Response, error)

func (f fake) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// respond returns a response with body.
func respond(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// withTransport returns a change of a Config that makes f its tenant.
func withTransport(f fake) func(*Config) { return func(cfg *Config) { cfg.Transport = f } }

// The pages are asked for as the first one was, and their objects are one
// answer.
func TestPaging(t *testing.T) {
	for _, member := range []string{"@odata.nextLink", "odata.nextLink"} {
		for _, link := range []string{"http://HOST/adminapi/beta/x/InvokeCommand?$skiptoken=%d", "/y?page=%d", "//HOST/z?page=%d"} {
			var first string
			n := 0
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				r.Header.Del("Content-Length")
				sent := fmt.Sprint(r.Method, r.Header, string(body))
				if n++; n == 1 {
					first = sent
				} else if sent != first {
					t.Errorf("page %d asked for by\n%s\nthe first by\n%s", n, sent, first)
				} else if !strings.HasSuffix(r.URL.RawQuery, fmt.Sprint(n)) {
					t.Errorf("page %d asked for at %s", n, r.URL)
				}
				fmt.Fprintf(w, `{"value":[{"N":"%d"}]`, n)
				if n < 3 {
					fmt.Fprintf(w, `,%q:%q`, member, strings.ReplaceAll(fmt.Sprintf(link, n+1), "HOST", r.Host))
				}
				fmt.Fprint(w, "}")
			})
			objects, err := c.Run(t.Context(), get)
			if err != nil || fmt.Sprint(objects) != "[map[N:1] map[N:2] map[N:3]]" {
				t.Errorf("%s %s: %v, %v; want three objects", member, link, objects, err)
			}
		}
	}
}

// The token goes nowhere but to the endpoint, wherever the next page is said
// to be.
func TestNextPageElsewhere(t *testing.T) {
	for _, link := range []string{
		serveNothing(t) + "/next?code=sesame", "https://HOST/next?code=sesame", "http://evil@HOST/next?code=sesame",
		"http://HOST.example.org/next?code=sesame", "//example.org/next?code=sesame", "http:next?code=sesame", "%zz?code=sesame", "file:///sesame",
	} {
		n := 0
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			n++
			fmt.Fprintf(w, `{"value":[{}],"@odata.nextLink":%q}`, strings.ReplaceAll(link, "HOST", r.Host))
		})
		objects, err := c.Run(t.Context(), get)
		e := failed(t, err, tenant.Failed)
		if objects != nil || n != 1 || !strings.Contains(e.Error(), "next page") || strings.Contains(e.Error(), "sesame") {
			t.Errorf("link %s: %v, %v after %d requests", link, objects, err, n)
		}
	}
}

// A host with its scheme's own port is the same host.
func TestNextPageWithPort(t *testing.T) {
	c := newClient(t, "", withTransport(func(r *http.Request) (*http.Response, error) {
		if r.URL.RawQuery != "" {
			return respond(200, `{}`), nil
		}
		return respond(200, `{"@odata.nextLink":"https://OUTLOOK.office365.com:443/next?page=2"}`), nil
	}))
	if _, err := c.Run(t.Context(), get); err != nil {
		t.Error(err)
	}
}

// If a page fails the call does: some of the objects are not an answer.
func TestPageFails(t *testing.T) {
	n := 0
	c := newClient(t, "", withTransport(func(r *http.Request) (*http.Response, error) {
		if n++; n == 1 {
			return respond(200, `{"value":[{"A":"1"}],"@odata.nextLink":"?page=2"}`), nil
		}
		return respond(503, ""), nil
	}))
	objects, err := c.Run(t.Context(), get)
	failed(t, err, tenant.Unavailable)
	if objects != nil {
		t.Errorf("objects %v beside an error", objects)
	}
}

// Pages and objects without end are given up.
func TestEndlessPages(t *testing.T) {
	for _, test := range []struct {
		objects int // a page
		size    int // of the first of them
		pages   int
		want    string
	}{
		{1, 1, 1000, "more than 1000 pages"},
		{1000, 1, 101, "more than 100000 objects"},
		{1, 12 << 20, 6, "more than 64 MiB of objects"},
	} {
		body := `{"@odata.nextLink":"?again","value":[` + strings.Repeat("{},", test.objects-1) + `{"A":"` + strings.Repeat("x", test.size) + `"}]}`
		n := 0
		c := newClient(t, "", withTransport(func(r *http.Request) (*http.Response, error) {
			n++
			return respond(200, body), nil
		}))
		_, err := c.Run(t.Context(), get)
		e := failed(t, err, tenant.Failed)
		if e.Err.Error() != test.want || n != test.pages {
			t.Errorf("%v after %d pages; want %s after %d", e, n, test.want, test.pages)
		}
	}
}

// A connection is used again, whatever the reply on it was.
func TestConnectionIsKept(t *testing.T) {
	n := 0
	addresses := map[string]bool{}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		addresses[r.RemoteAddr] = true
		if n++; n%2 == 0 {
			w.WriteHeader(503)
			io.WriteString(w, strings.Repeat("x", 2*rest.MaxFault))
		}
	})
	for range 6 {
		c.Run(t.Context(), get)
	}
	if n != 6 || len(addresses) != 1 {
		t.Errorf("%d requests over %d connections, want 6 over 1", n, len(addresses))
	}
}

// Close ends the connections that are not in use.
func TestClose(t *testing.T) {
	closed := make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	srv.Config.ConnState = onClose(closed)
	srv.Start()
	t.Cleanup(srv.Close)
	c := newClient(t, srv.URL)
	if _, err := c.Run(context.Background(), get); err != nil {
		t.Fatal(err)
	}
	c.Close()
	<-closed
	newClient(t, "", withTransport(nil)).Close() // has no connections
}
