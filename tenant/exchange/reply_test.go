package exchange

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollcall/tenant"
)

// serveNothing returns the address of a server that nobody may call.
func serveNothing(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("a request for %s, with the token: %t", r.URL, r.Header.Get("Authorization") != "")
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

// What each form of success becomes.
func TestReply(t *testing.T) {
	for _, test := range []struct {
		name     string
		status   int
		body     string
		objects  []tenant.Object
		warnings []string
	}{
		{"object", 200, `{"@odata.context":"x","value":[{"Identity":"ada","PopEnabled":false,"PopEnabled@data.type":"System.Boolean","@odata.id":"y"}]}`,
			[]tenant.Object{{"Identity": "ada", "PopEnabled": false}}, nil},
		{"numbers as they are", 200, `{"value":[{"A":12.50,"B":123456789012345678901}]}`,
			[]tenant.Object{{"A": json.Number("12.50"), "B": json.Number("123456789012345678901")}}, nil},
		{"other values", 200, `{"value":[{"A":null,"B":["x",1],"C":{"k@example.org":{}},"D":"é\u2028"}]}`,
			[]tenant.Object{{"A": nil, "B": []any{"x", json.Number("1")}, "C": map[string]any{"k@example.org": map[string]any{}}, "D": "é\u2028"}}, nil},
		{"several", 200, `{"value":[{"A":"1"},null,{"A":"2"}]}`, []tenant.Object{{"A": "1"}, {"A": "2"}}, nil},
		{"no objects", 200, `{"value":[]}`, nil, nil},
		{"no value", 200, `{}`, nil, nil},
		{"null value", 200, `{"value":null,"@adminapi.errors":[],"error":null}`, nil, nil},
		{"null", 200, `null`, nil, nil},
		{"nothing", 200, ``, nil, nil},
		{"NULs", 200, "\x00\x00\x00", nil, nil},
		{"padded", 200, "\uFEFF{\"value\":[{\"A\":\"1\"}]}\r\n\x00\x00", []tenant.Object{{"A": "1"}}, nil},
		{"204", 204, ``, nil, nil},
		{"201", 201, `{"value":[{"A":"1"}]}`, []tenant.Object{{"A": "1"}}, nil},
		{"202", 202, ``, nil, nil},
		{"warnings", 200, `{"value":[],"@adminapi.warnings":["no\nchange","","second",{"message":"third"},null]}`, nil, []string{"no change", "second", "third"}},
		{"one warning", 200, `{"@adminapi.warnings":"no change"}`, nil, []string{"no change"}},
		{"long warning", 200, `{"@adminapi.warnings":["` + strings.Repeat("x", 400) + `"]}`, nil, []string{strings.Repeat("x", 300) + "…"}},
		{"no errors", 200, `{"value":[{"A":"1"}],"@adminapi.errors":[null,""]}`, []tenant.Object{{"A": "1"}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var warnings []string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			}, func(cfg *Config) {
				cfg.Warn = func(c tenant.Cmdlet, text string) {
					if c.Name != get.Name || c.Identity != get.Identity {
						t.Errorf("warning of %s %s", c.Name, c.Identity)
					}
					warnings = append(warnings, text)
				}
			})
			objects, err := c.Run(t.Context(), get)
			if err != nil {
				t.Fatal(err)
			}
			if len(objects)+len(test.objects) > 0 && !reflect.DeepEqual(objects, test.objects) {
				t.Errorf("objects %v, want %v", objects, test.objects)
			}
			if !slices.Equal(warnings, test.warnings) {
				t.Errorf("warnings %q, want %q", warnings, test.warnings)
			}
		})
	}
}

// Without anyone to tell, warnings are nothing.
func TestNoWarn(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"@adminapi.warnings":["x"]}`) })
	if _, err := c.Run(t.Context(), get); err != nil {
		t.Error(err)
	}
}

// What looks like success, and is not.
func TestFaultInsideReply(t *testing.T) {
	for _, test := range []struct {
		body  string
		class tenant.Class
		text  string
	}{
		{`{"value":[{"A":"1"}],"@adminapi.errors":["no good"]}`, tenant.Failed, "no good"},
		{`{"@adminapi.errors":"no good"}`, tenant.Failed, "no good"},
		{`{"@adminapi.errors":["Ex6F9304|` + notFoundClass + `|no ada","x","y"]}`, tenant.NotFound, "no ada (and 2 more)"},
		{`{"@adminapi.errors":[{"code":"404","message":"m","details":[{"message":"Ex6F9304|` + notFoundClass + `|no ada"}]}]}`, tenant.NotFound, "no ada"},
		{`{"@adminapi.errors":[{"error":{"message":"no good"}}]}`, tenant.Failed, "no good"},
		{`{"@adminapi.errors":[{"number":7}]}`, tenant.Failed, `{"number":7}`},
		{`{"@adminapi.errors":["maximum number of concurrent requests"]}`, tenant.Throttled, "maximum number of concurrent requests"},
		{`{"error":{"message":"m","innererror":{"internalexception":{"message":"busy","type":"ServerBusyException"}}}}`, tenant.Unavailable, "busy"},

		{`<html><title>Sign in</title></html>`, tenant.Unavailable, "the reply is not JSON: an HTML page, Sign in"},
		{`Service is restarting`, tenant.Unavailable, "the reply is not JSON: Service is restarting"},
		{`You have reached the maximum number of concurrent requests per tenant.`, tenant.Throttled, "You have reached the maximum number of concurrent requests per tenant."},
		{`{"value":[{"A":"1"`, tenant.Unavailable, `the reply is not JSON: {"value":[{"A":"1"`},
		{`{"value":[]} tail`, tenant.Unavailable, `the reply is not JSON: {"value":[]} tail`},
		{`{"value":[]}{"value":[]}`, tenant.Unavailable, `the reply is not JSON: {"value":[]}{"value":[]}`},

		{`[]`, tenant.Failed, "the reply is JSON of another form than expected"},
		{`"ok"`, tenant.Failed, "the reply is JSON of another form than expected"},
		{`{"value":[],"@odata.nextLink":7}`, tenant.Failed, "the reply is JSON of another form than expected"},
		{`{"value":{}}`, tenant.Failed, "the reply's value is not a list of objects"},
		{`{"value":["x"]}`, tenant.Failed, "the reply's value is not a list of objects"},
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, test.body) })
		objects, err := c.Run(t.Context(), get)
		e := failed(t, err, test.class)
		if objects != nil || e.Err.Error() != test.text || e.Status != 200 {
			t.Errorf("%s: %v, %q, status %d; want %q", test.body, objects, e.Err, e.Status, test.text)
		}
	}
}

// Warnings that come with an error are told too.
func TestWarningsBesideErrors(t *testing.T) {
	var told []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"@adminapi.warnings":["careful"],"@adminapi.errors":["no good"]}`)
	}, func(cfg *Config) { cfg.Warn = func(_ tenant.Cmdlet, text string) { told = append(told, text) } })
	_, err := c.Run(t.Context(), set)
	failed(t, err, tenant.Failed)
	if !slices.Equal(told, []string{"careful"}) {
		t.Errorf("told %q", told)
	}
}

// A reply that breaks off is no reply, though what there is of it parses, and
// though it is an error.
func TestCutReply(t *testing.T) {
	for _, test := range []struct {
		status string
		class  tenant.Class
		text   string
	}{
		{"200 OK", tenant.Unavailable, "the reply was cut off: unexpected EOF"},
		{"400 Bad Request", tenant.Unavailable, `no`},
		{"404 Not Found", tenant.NotFound, `no`},
		{"429 Too Many Requests\r\nRetry-After: 9", tenant.Throttled, `no`},
	} {
		body := `{"value":[]}`
		if !strings.HasPrefix(test.status, "200") {
			body = "no"
		}
		_, endpoint := record(t, "HTTP/1.1 "+test.status+"\r\nContent-Length: 100\r\n\r\n"+body)
		_, err := newClient(t, endpoint).Run(t.Context(), get)
		if e := failed(t, err, test.class); e.Err.Error() != test.text {
			t.Errorf("%s: %q; want %q", test.status, e.Err, test.text)
		}
	}
}

// What happens to connections is a fault of the moment.
func TestLostConnection(t *testing.T) {
	_, closes := record(t, "")
	_, rubbish := record(t, "SSH-2.0-OpenSSH\r\n")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	l.Close()
	reset := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}))
	t.Cleanup(reset.Close)
	for _, endpoint := range []string{closes, rubbish, nobody, reset.URL} {
		_, err := newClient(t, endpoint).Run(t.Context(), set)
		if e := failed(t, err, tenant.Unavailable); e.Status != 0 || !e.Transient() {
			t.Errorf("%v: status %d, transient %t", err, e.Status, e.Transient())
		}
	}
}

// A reply that changes the protocol has no end, and so is not read.
func TestSwitchingProtocols(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		io.Copy(io.Discard, conn) // until the Client closes it
	}))
	t.Cleanup(srv.Close)
	_, err := newClient(t, srv.URL).Run(t.Context(), get)
	failed(t, err, tenant.Failed)
}

// A reply may be compressed; the bound is on what comes out.
func TestGzip(t *testing.T) {
	size := 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("gzip is not accepted")
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		fmt.Fprintf(z, `{"value":[{"A":"%s"}]}`, strings.Repeat("x", size))
		z.Close()
	})
	objects, err := c.Run(t.Context(), get)
	if err != nil || len(objects) != 1 {
		t.Errorf("Run = %v, %v; want one object", objects, err)
	}
	size = maxPage
	_, err = c.Run(t.Context(), get)
	e := failed(t, err, tenant.Failed)
	if got, want := e.Err.Error(), "the reply has more than 16 MiB"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}

// A reply of just the size that is allowed is read whole.
func TestLargestReply(t *testing.T) {
	const head, tail = `{"value":[{"A":"`, `"}]}`
	size := maxPage - len(head) - len(tail)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, head+strings.Repeat("x", size)+tail)
	})
	objects, err := c.Run(t.Context(), get)
	if err != nil || len(objects[0]["A"].(string)) != size {
		t.Errorf("Run = %d objects, %v", len(objects), err)
	}
	size++
	_, err = c.Run(t.Context(), get)
	failed(t, err, tenant.Failed)
}
