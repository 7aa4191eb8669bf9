package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"rollcall/tenant"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/zap"
)

// A directory is where requests for tokens are sent to: a tenant of Entra ID, as
// its GUID, a domain or a word such as organizations, and what is asked of it.
type directory struct{ tenant, name string }

const (
	tokenPath  = "oauth2/v2.0/token"
	devicePath = "oauth2/v2.0/devicecode"
	configPath = "v2.0/.well-known/openid-configuration"
)

// parseDirectory reads the path /TENANT/NAME.
func parseDirectory(path string) (directory, bool) {
	tenant, name, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	known := name == tokenPath || name == devicePath || name == configPath
	return directory{tenant, name}, known && tenant != "" && tenant != "adminapi"
}

// url returns the address of what is called name there, at the server that r
// was sent to.
func (d directory) url(r *http.Request, name string) string {
	return base(r) + "/" + url.PathEscape(d.tenant) + "/" + name
}

// signIn replies to a request for a token, or on the way to one.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request, d directory) {
	w.Header().Set("Cache-Control", "no-store, no-cache")
	method := http.MethodPost
	if d.name == configPath {
		method = http.MethodGet
	}
	if r.Method != method {
		w.Header().Set("Allow", method)
		s.failSignIn(w, &signInError{http.StatusMethodNotAllowed, "invalid_request", 900561, "The endpoint only accepts " + method + " requests."}, nil)
		return
	}
	if s.Organization != "" && !strings.EqualFold(d.tenant, s.Organization) && d.tenant != "organizations" {
		s.failSignIn(w, &signInError{http.StatusBadRequest, "invalid_request", 90002, "Tenant '" + d.tenant + "' not found. " +
			"Check to make sure you have the correct tenant ID and are signing into the correct cloud."}, nil)
		return
	}
	if d.name == configPath {
		writeJSON(w, http.StatusOK, map[string]any{
			"issuer":                                d.url(r, "v2.0"),
			"authorization_endpoint":                d.url(r, "oauth2/v2.0/authorize"),
			"token_endpoint":                        d.url(r, tokenPath),
			"device_authorization_endpoint":         d.url(r, devicePath),
			"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"},
			"response_types_supported":              []string{"code"},
			"subject_types_supported":               []string{"pairwise"},
		})
		return
	}
	if d.name == tokenPath {
		fault := s.Faults.drawOf(ofSignIn, newChance(s.Seed, s.tally.signIn()).float())
		if fault != "" {
			s.tally.fault(fault)
		}
		switch fault {
		case faultToken429:
			s.failSignIn(w, &signInError{http.StatusTooManyRequests, "temporarily_unavailable", 90055, "Too many requests were sent for this tenant."}, s.retryAfter())
			return
		case faultToken503:
			s.failSignIn(w, &signInError{http.StatusServiceUnavailable, "temporarily_unavailable", 90033, "A transient error has occurred. Please try again."}, nil)
			return
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil || len(r.PostForm) == 0 {
		s.failSignIn(w, missingField("grant_type"), nil)
		return
	}
	q := &signInRequest{directory: d, form: r.PostForm, endpoint: d.url(r, tokenPath), issuer: d.url(r, "v2.0")}
	v, fail := s.grant(q)
	if fail != nil {
		s.failSignIn(w, fail, nil)
		return
	}
	s.Log.Debug("sign-in", zap.String("grant", q.form.Get("grant_type")), zap.String("endpoint", d.name))
	writeJSON(w, http.StatusOK, v)
}

// A signInRequest is a request for a token, or for a device's code.
type signInRequest struct {
	directory
	form     url.Values
	endpoint string // address that it was sent to, or would be
	issuer   string
	resource string // what the token is for
	asked    int64  // the nbf that the claims ask for, or 0
	aware    bool   // the claims say that the client can meet a challenge
}

// grant returns the reply to a request that is granted.
func (s *Server) grant(q *signInRequest) (any, *signInError) {
	grant := q.form.Get("grant_type")
	if grant == "" && q.name == tokenPath {
		return nil, missingField("grant_type")
	}
	if q.form.Get("client_id") == "" {
		return nil, missingField("client_id")
	}
	if fail := q.readClaims(); fail != nil {
		return nil, fail
	}
	if fail := q.readScope(grant == "client_credentials"); fail != nil {
		return nil, fail
	}
	if q.name == devicePath {
		return s.startDevice(q), nil
	}
	switch grant {
	case "client_credentials":
		if fail := s.authenticate(q); fail != nil {
			return nil, fail
		}
		t := s.newToken(q)
		t.Kind, t.Roles = "app", []string{"Exchange.ManageAsApp"}
		return s.issue(t), nil
	case "urn:ietf:params:oauth:grant-type:device_code", "device_code":
		if fail := s.device(q); fail != nil {
			return nil, fail
		}
		return s.issueUser(q), nil
	case "refresh_token":
		t := s.access.read(q.form.Get("refresh_token"))
		if t == nil || t.Own.Use != useRefresh || t.App != q.form.Get("client_id") || t.expired() {
			return nil, &signInError{http.StatusBadRequest, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid."}
		}
		return s.issueUser(q), nil
	}
	return nil, &signInError{http.StatusBadRequest, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '" + grant + "'."}
}

// readClaims reads the claims that are asked for.
func (q *signInRequest) readClaims() *signInError {
	text := q.form.Get("claims")
	if text == "" {
		return nil
	}
	var claims struct {
		Access struct {
			NotBefore    struct{ Value string }    `json:"nbf"`
			Capabilities struct{ Values []string } `json:"xms_cc"`
		} `json:"access_token"`
	}
	err := json.Unmarshal([]byte(text), &claims)
	if err == nil && claims.Access.NotBefore.Value != "" {
		q.asked, err = strconv.ParseInt(claims.Access.NotBefore.Value, 10, 64)
	}
	if err != nil {
		return &signInError{http.StatusBadRequest, "invalid_request", 9002341, "The claims parameter is not valid JSON of the expected form."}
	}
	q.aware = slices.Contains(claims.Access.Capabilities.Values, "cp1") || slices.Contains(claims.Access.Capabilities.Values, "CP1")
	return nil
}

// The hosts that cmdlets are sent to, in each cloud; and the service's own ID.
var resources = []string{"https://outlook.office365.com", "https://outlook.office365.us", "https://outlook-dod.office365.us",
	"https://outlook.office365.cn", "https://partner.outlook.cn", "00000002-0000-0ff1-ce00-000000000000"}

// readScope reads which resource the token is to be for: the service, or the
// server that the request was sent to.
func (q *signInRequest) readScope(app bool) *signInError {
	var scopes []string
	for _, scope := range strings.Fields(q.form.Get("scope")) {
		if !slices.Contains([]string{"openid", "profile", "offline_access", "email"}, scope) {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) != 1 {
		return &signInError{http.StatusBadRequest, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid."}
	}
	i := strings.LastIndexByte(scopes[0], '/')
	if i < 0 || app && scopes[0][i:] != "/.default" {
		return &signInError{http.StatusBadRequest, "invalid_scope", 1002012, "The provided value for scope " + scopes[0] + " is not valid. " +
			"Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."}
	}
	q.resource = strings.TrimSuffix(scopes[0][:i], "/")
	if !slices.Contains(resources, q.resource) && !strings.HasPrefix(q.endpoint, q.resource+"/") {
		return &signInError{http.StatusBadRequest, "invalid_resource", 500011, "The resource principal named " + q.resource +
			" was not found in the tenant named " + q.tenant + "."}
	}
	return nil
}

// newToken returns a token for q, which lacks who it is of.
func (s *Server) newToken(q *signInRequest) *token {
	now := time.Now()
	until := now.Add(s.TokenLifetime)
	t := &token{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    q.issuer,
			IssuedAt:  jwt.NewNumericDate(now),
			NotBefore: jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(until.Add(time.Second - 1)),
			ID:        tenant.NewGUID(),
		},
		Audience:  q.resource,
		App:       q.form.Get("client_id"),
		Tenant:    q.tenant,
		Directory: []string{"29232cdf-9323-42fd-ade2-1d097af3e4de"}, // Exchange Administrator
		Own:       own{Use: useAccess, Until: until.UnixMilli(), Asked: q.asked},
	}
	if !tenant.IsGUID(t.Tenant) && s.Organization != "" {
		t.Tenant = s.Organization
	}
	if q.aware {
		t.Capabilities = []string{"cp1"}
	}
	return t
}

// An issued is the reply that has a token.
type issued struct {
	Type       string `json:"token_type"`
	ExpiresIn  int64  `json:"expires_in"`
	Extended   int64  `json:"ext_expires_in"`
	Token      string `json:"access_token"`
	Scope      string `json:"scope,omitempty"`
	Refresh    string `json:"refresh_token,omitempty"`
	ID         string `json:"id_token,omitempty"`
	ClientInfo string `json:"client_info,omitempty"`
}

// issue signs t, and counts it.
func (s *Server) issue(t *token) *issued {
	s.tally.add(&s.tally.counts.IssuedTokens)
	seconds := int64(s.TokenLifetime / time.Second)
	return &issued{Type: "Bearer", ExpiresIn: seconds, Extended: seconds, Token: s.access.sign(t)}
}
