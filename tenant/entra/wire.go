package entra

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// maxBody is how many bytes of a reply are read.
const maxBody = 1 << 20

// newTransport returns the default transport of a [Config].
func newTransport() policy.Transporter {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    15 * time.Second,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 1 << 20,
			ForceAttemptHTTP2:      true,
		},
		// Requests have secrets.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// A wire passes requests on and keeps the result of the last one. Azidentity's errors are
// not enough: they have a whole reply as their text, and only the text of a network error.
type wire struct {
	next policy.Transporter

	mu   sync.Mutex
	last exchange
}

// An exchange is a request and its result.
type exchange struct {
	status  int // 0 if there was no reply
	header  http.Header
	body    []byte // of a reply that is not a success
	object  bool   // the reply is a JSON object
	err     error  // why there was no reply
	polls   bool   // it asked whether a person has typed the code
	secrets []string
}

// reset forgets the last request.
func (w *wire) reset() {
	w.mu.Lock()
	w.last = exchange{}
	w.mu.Unlock()
}

// get returns the last exchange.
func (w *wire) get() exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// Do makes a request.
func (w *wire) Do(req *http.Request) (*http.Response, error) {
	x := exchange{secrets: headerSecrets(req.Header)}
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return nil, err
		}
		x.secrets = append(x.secrets, formSecrets(b)...)
		x.polls = bytes.Contains(b, []byte("grant_type=device_code")) || bytes.Contains(b, []byte("device_code&grant_type"))
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(b))
	}
	resp, err := w.next.Do(req)
	if x.polls && passing(resp, err) && req.Context().Err() == nil {
		if err == nil {
			resp.Body.Close()
		}
		resp, err = pending(req), nil
	}
	if err == nil {
		var b []byte
		b, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
		resp.Body.Close()
		if err == nil && len(b) > maxBody {
			err = fmt.Errorf("the reply has more than %d MiB", maxBody>>20)
		}
		resp.Body = io.NopCloser(bytes.NewReader(b))
		x.status, x.header = resp.StatusCode, resp.Header
		if resp.StatusCode/100 != 2 {
			x.body = b
		}
		var secrets []string
		secrets, x.object = replySecrets(b)
		x.secrets = append(x.secrets, secrets...)
	}
	x.err = err
	w.mu.Lock()
	w.last = x
	w.mu.Unlock()
	if err == nil && x.status/100 == 2 && !x.object {
		// Azidentity is not to see it: it panics over some, such as null.
		err = errNoObject
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// errNoObject is returned to azidentity for a reply that is not from Entra ID. Its text is
// not used: [identity.fault] uses what the wire keeps.
var errNoObject = errors.New("the reply is not a JSON object")

// passing reports whether a failure is transient.
func passing(resp *http.Response, err error) bool {
	return err != nil || resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests
}

// pending returns a reply that makes azidentity ask again later. Otherwise one lost reply
// would make the code useless while a person is typing it.
func pending(req *http.Request) *http.Response {
	return &http.Response{
		StatusCode: http.StatusBadRequest, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(strings.NewReader(`{"error":"authorization_pending","error_description":"no answer"}`)),
	}
}

// headerSecrets returns the secrets in the headers of a request: the keys of the services
// that give tokens to managed identities.
func headerSecrets(h http.Header) []string {
	var secrets []string
	for _, name := range []string{"Authorization", "X-Identity-Header", "Secret"} {
		for _, v := range h.Values(name) {
			_, key, ok := strings.Cut(v, " ") // after the scheme
			if !ok {
				key = v
			}
			if key != "" {
				secrets = append(secrets, key)
			}
		}
	}
	return secrets
}

// formSecrets returns the secrets in a form, also in the encoding of the form.
func formSecrets(form []byte) []string {
	values, _ := url.ParseQuery(string(form))
	var secrets []string
	for _, name := range []string{"client_secret", "client_assertion", "assertion", "refresh_token", "device_code", "code", "code_verifier"} {
		if v := values.Get(name); v != "" {
			secrets = append(secrets, v, url.QueryEscape(v))
		}
	}
	return secrets
}

// replySecrets returns the secrets in a reply, and whether the reply is a JSON object.
func replySecrets(body []byte) (secrets []string, object bool) {
	var o map[string]any
	if json.Unmarshal(body, &o) != nil {
		return nil, false
	}
	for _, name := range []string{"access_token", "refresh_token", "id_token", "device_code"} {
		if s, _ := o[name].(string); strings.TrimSpace(s) != "" {
			secrets = append(secrets, s)
		}
	}
	return secrets, o != nil
}
