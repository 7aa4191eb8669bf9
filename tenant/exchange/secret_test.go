package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// A tenant that says the token back, wherever it can, does not get it into an
// error or a warning; nor is it in what is printed of a Client.
func TestTokenIsNowhere(t *testing.T) {
	secret := jwt(`{"upn":"admin@example.org","pad":"` + strings.Repeat("x", 900) + `"}`)
	interrupted := secret[:10] + "\x00" + secret[10:30] + "\u200b\u202e" + secret[30:50] + "\x1b[31m" + secret[50:]
	var seen strings.Builder
	tell := func(v any) { fmt.Fprintf(&seen, "%v\n%+v\n%#v\n%q\n", v, v, v, v) }
	for _, reply := range []string{
		"HTTP/1.1 403 Forbidden\r\nX-Ms-Diagnostics: " + secret + "\r\nX-Exceptiontype: " + secret + "\r\n\r\nBearer " + secret,
		"HTTP/1.1 400 Bad Request\r\n\r\n" + details("Ex1|"+secret+"|Bearer "+secret),
		"HTTP/1.1 500 Oops\r\n\r\n<html><title>" + secret + "</title>",
		"HTTP/1.1 302 Found\r\nLocation: https://" + secret + "/" + secret + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n" + secret,
		"HTTP/1.1 200 OK\r\n\r\n{\"@adminapi.errors\":[\"" + secret + "\"],\"@adminapi.warnings\":[\"" + secret + "\"]}",
		"HTTP/1.1 200 OK\r\n\r\n{\"@adminapi.errors\":[{\"x\":\"" + secret + "\"}]}",
		"HTTP/1.1 200 OK\r\n\r\n{\"@odata.nextLink\":\"https://example.org/" + secret + "\"}",
		"HTTP/1.1 200 OK\r\n\r\n{\"@odata.nextLink\":\"https://" + secret + "/\"}",
		"HTTP/1.1 400 Bad Request\r\n\r\n" + interrupted,
		"HTTP/1.1 400 Bad Request\r\n\r\n" + details("Ex1|A.B|Bearer "+interrupted),
		"HTTP/1.1 200 OK\r\n\r\n" + errorsInside(interrupted),
		"HTTP/1.1 400 Bad Request\r\n\r\n" + strings.Repeat(" ", rest.MaxFault-100) + secret, // read in part
		"HTTP/1.1 " + secret + "\r\n\r\n",
		secret + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + secret + "\r\n\r\n",
		"",
	} {
		_, endpoint := record(t, reply)
		c := newClient(t, endpoint, func(cfg *Config) {
			cfg.Token = func(context.Context, string, string) (string, error) { return secret, nil }
			cfg.Warn = func(_ tenant.Cmdlet, text string) { tell(text) }
		})
		_, err := c.Run(t.Context(), set)
		e := failedFuzz(t, err)
		tell(e)
		tell(*e)
		tell(e.Err)
		tell(c)
		if n := len(e.Error()); n > 1200 {
			t.Errorf("an error of %d bytes to %.40q", n, reply)
		}
	}
	// A part would do no better than the whole.
	for _, part := range []string{secret, secret[:20], secret[:40], secret[12:28], secret[len(secret)-40:]} {
		if i := strings.Index(strings.ToLower(seen.String()), strings.ToLower(part)); i >= 0 {
			t.Errorf("the token is in %.200q", seen.String()[max(0, i-80):])
		}
	}
}

// errorsInside returns the body of a reply of status 200 with text as an error
// and as a warning.
func errorsInside(text string) string {
	b, _ := json.Marshal(map[string]any{"@adminapi.errors": []string{text}, "@adminapi.warnings": []string{text}})
	return string(b)
}

// What can't be a token is not sent, and not shown; who has no token is told.
func TestNoToken(t *testing.T) {
	for _, test := range []struct {
		token string
		err   error
		want  string
	}{
		{"", nil, "token: empty"},
		{"hunter2\r\nX-Evil: 1", nil, "token: it has a space, or another character that no token has"},
		{"hunter2 ", nil, "token: it has a space, or another character that no token has"},
		{"hunter2é", nil, "token: it has a space, or another character that no token has"},
		{"hunter2", errors.New("certificate expired"), "token: certificate expired"},
	} {
		c := newClient(t, serveNothing(t), func(cfg *Config) {
			cfg.Token = func(context.Context, string, string) (string, error) { return test.token, test.err }
		})
		_, err := c.Run(t.Context(), set)
		e := failed(t, err, tenant.Unauthorized)
		if e.Err.Error() != test.want || e.Status != 0 {
			t.Errorf("%q: %q, status %d; want %q", test.token, e.Err, e.Status, test.want)
		}
		if test.err != nil && !errors.Is(err, test.err) {
			t.Errorf("%v does not wrap %v", err, test.err)
		}
	}
}

// The environment's proxy is used, and its password shown to no one. It is read
// once in a process, so this takes one of its own.
func TestProxy(t *testing.T) {
	const proxy = "http://me:hunter2@127.0.0.1:1"
	if os.Getenv("HTTPS_PROXY") != proxy {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxy$")
		cmd.Env = append(os.Environ(), "HTTPS_PROXY="+proxy, "NO_PROXY=", "no_proxy=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	_, err := newClient(t, "https://tenant.invalid").Run(t.Context(), set)
	e := failed(t, err, tenant.Unavailable)
	if strings.Contains(e.Error(), "hunter2") || !strings.Contains(e.Error(), "proxyconnect") {
		t.Errorf("error %v, want one about the proxy without its password", err)
	}
}

// Nothing of the client is changed by a request: a transport that keeps the
// headers of one does not see those of another.
func TestRequestsShareNothing(t *testing.T) {
	var kept []http.Header
	c := newClient(t, "", withTransport(func(r *http.Request) (*http.Response, error) {
		io.Copy(io.Discard, r.Body)
		kept = append(kept, r.Header)
		return respond(204, ""), nil
	}))
	c.Run(t.Context(), get)
	c.Run(t.Context(), set)
	if a, b := kept[0].Get("X-CmdletName"), kept[1].Get("X-CmdletName"); a != "Get-CASMailbox" || b != "Set-CASMailbox" {
		t.Errorf("cmdlet names %q and %q", a, b)
	}
	if c.header.Get("Authorization") != "" {
		t.Error("the token is in the client's headers")
	}
}
