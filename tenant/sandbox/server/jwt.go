package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// A token is what the Server issues: a JWT whose claims are those that Entra ID
// gives an app, signed with a key that only the Server has (HS256). Clients are
// not meant to look into it, though some do.
type token struct {
	Audience     string   `json:"aud"`
	Issuer       string   `json:"iss"`
	IssuedAt     int64    `json:"iat"`
	NotBefore    int64    `json:"nbf"`
	Expires      int64    `json:"exp"`
	App          string   `json:"appid"`
	Kind         string   `json:"idtyp"` // app or user
	ID           string   `json:"jti"`
	Roles        []string `json:"roles,omitempty"` // of an app
	Scopes       string   `json:"scp,omitempty"`   // of a user
	Tenant       string   `json:"tid"`
	User         string   `json:"upn,omitempty"`
	Directory    []string `json:"wids,omitempty"`
	Capabilities []string `json:"xms_cc,omitempty"`
	Own          own      `json:"sandbox"`
}

// own are the claims that only the Server reads.
type own struct {
	Use   string `json:"use"`             // useAccess or useRefresh
	Until int64  `json:"until"`           // Expires, in milliseconds
	Asked int64  `json:"asked,omitempty"` // the nbf that was asked for in claims
}

const (
	useAccess  = "access"
	useRefresh = "refresh"
)

func (t *token) expired() bool { return time.Now().UnixMilli() >= t.Own.Until }

var base64URL = base64.RawURLEncoding

var jwtHeader = base64URL.EncodeToString([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "."

// sign returns t, signed.
func (a *access) sign(t *token) string {
	b, err := json.Marshal(t)
	if err != nil {
		panic("server: " + err.Error())
	}
	text := jwtHeader + base64URL.EncodeToString(b)
	return text + "." + base64URL.EncodeToString(a.mac(text))
}

// read returns the token that sign made text of, or nil if it made it of none.
func (a *access) read(text string) *token {
	rest, ok := strings.CutPrefix(text, jwtHeader)
	if !ok {
		return nil
	}
	claims, signature, _ := strings.Cut(rest, ".")
	mac, err := base64URL.DecodeString(signature)
	if err != nil || !hmac.Equal(mac, a.mac(jwtHeader+claims)) {
		return nil
	}
	t := new(token)
	if b, err := base64URL.DecodeString(claims); err != nil || json.Unmarshal(b, t) != nil {
		return nil
	}
	return t
}

func (a *access) mac(text string) []byte {
	h := hmac.New(sha256.New, a.key[:])
	h.Write([]byte(text))
	return h.Sum(nil)
}
