package server

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"rollcall/tenant"
	"strings"
	"sync"
	"time"
)

const (
	deviceLife  = 15 * time.Minute // how long a device's code is good for
	deviceLimit = 1000             // how many codes are good at one time: the last ones
	userName    = "admin@sandbox.onmicrosoft.com"
	refreshLife = 24 * time.Hour
)

// devices are the codes that wait to be approved, which happens by itself. The
// zero value is ready for use, by several goroutines at once.
type devices struct {
	mu    sync.Mutex
	codes map[string]*deviceCode
	order []string // oldest first
}

type deviceCode struct {
	client string
	polls  int // until it is approved
	until  time.Time
}

// startDevice returns the reply that has a code for a person to approve.
func (s *Server) startDevice(q *signInRequest) any {
	d := &s.devices
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.codes == nil {
		d.codes = make(map[string]*deviceCode)
	}
	code := tenant.NewGUID()
	d.codes[code] = &deviceCode{q.form.Get("client_id"), s.DevicePolls, time.Now().Add(deviceLife)}
	d.order = append(d.order, code)
	if len(d.order) > deviceLimit {
		delete(d.codes, d.order[0])
		d.order = d.order[1:]
	}
	user, where := strings.ToUpper(tenant.NewGUID()[:8]), strings.TrimSuffix(q.endpoint, tokenPath)+"oauth2/deviceauth"
	return map[string]any{
		"device_code":      code,
		"user_code":        user,
		"verification_uri": where,
		"expires_in":       int(deviceLife / time.Second),
		"interval":         1,
		"message":          "To sign in, use a web browser to open the page " + where + " and enter the code " + user + " to authenticate. (The sandbox approves it by itself.)",
	}
}

// device returns why there is no token for the code that q has, or nil if there
// is one: once.
func (s *Server) device(q *signInRequest) *signInError {
	d := &s.devices
	d.mu.Lock()
	defer d.mu.Unlock()
	code := q.form.Get("device_code")
	c := d.codes[code]
	switch {
	case c == nil || c.client != q.form.Get("client_id"):
		return &signInError{http.StatusBadRequest, "bad_verification_code", 70000, "The device code is unknown, or has been used."}
	case !time.Now().Before(c.until):
		return &signInError{http.StatusBadRequest, "expired_token", 70020, "The provided value for the input parameter 'device_code' is not valid. This device code has expired."}
	case c.polls > 0:
		c.polls--
		return &signInError{http.StatusBadRequest, pending, 70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling."}
	}
	delete(d.codes, code)
	return nil
}

// issueUser returns the reply that has tokens for the person who approves codes.
func (s *Server) issueUser(q *signInRequest) *issued {
	t := s.newToken(q)
	t.Kind, t.Scopes, t.User = "user", "Exchange.Manage", userName
	i := s.issue(t)
	i.Scope = q.resource + "/" + t.Scopes + " " + q.resource + "/.default"
	encode := func(v map[string]any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic("server: " + err.Error())
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	const person = "99999999-0000-0000-0000-000000000001"
	for scope := range strings.FieldsSeq(q.form.Get("scope")) {
		switch scope {
		case "offline_access":
			r := *t
			r.Own = own{Use: useRefresh, Until: time.Now().Add(refreshLife).UnixMilli()}
			i.Refresh = s.access.sign(&r)
		case "openid":
			i.ID = encode(map[string]any{"typ": "JWT", "alg": "none"}) + "." + encode(map[string]any{
				"aud": t.App, "iss": t.Issuer, "iat": t.IssuedAt, "exp": t.ExpiresAt, "tid": t.Tenant,
				"oid": person, "sub": person, "preferred_username": userName, "name": "Sandbox",
			}) + "."
		}
	}
	if q.form.Get("client_info") == "1" {
		i.ClientInfo = encode(map[string]any{"uid": person, "utid": t.Tenant})
	}
	return i
}
