package server

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A token is what the Server issues: a JWT whose claims are those that Entra ID
// gives an app, signed with a key that only the Server has (HS256). Clients are
// not meant to look into it, though some do.
type token struct {
	jwt.RegisteredClaims
	Audience     string   `json:"aud"` // where RegisteredClaims would write a list
	App          string   `json:"appid"`
	Kind         string   `json:"idtyp"`           // app or user
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
	Until int64  `json:"until"`           // ExpiresAt, in milliseconds
	Asked int64  `json:"asked,omitempty"` // the nbf that was asked for in claims
}

const (
	useAccess  = "access"
	useRefresh = "refresh"
)

func (t *token) expired() bool { return time.Now().UnixMilli() >= t.Own.Until }

// tokens reads what sign makes. When a token expires is for [token.expired] to say,
// which knows it to the millisecond.
var tokens = jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithoutClaimsValidation())

// sign returns t, signed.
func (a *access) sign(t *token) string {
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, t).SignedString(a.key[:])
	if err != nil {
		panic("server: " + err.Error())
	}
	return text
}

// read returns the token that sign made text of, or nil if it made it of none.
func (a *access) read(text string) *token {
	t := new(token)
	if _, err := tokens.ParseWithClaims(text, t, func(*jwt.Token) (any, error) { return a.key[:], nil }); err != nil {
		return nil
	}
	return t
}
