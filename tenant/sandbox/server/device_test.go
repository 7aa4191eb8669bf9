package server

import (
	"context"
	"rollcall/tenant/sandbox"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// A code is approved after so many polls, for its client, once; and the tokens
// that it gets are renewed without a person.
func TestDeviceCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Tenant: sandbox.New(), RequireIssued: true, Organization: organization, DevicePolls: 2, TokenLifetime: time.Minute}
		prompts := 0
		c, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
			ClientOptions: options("https://sandbox.test", inProcess{s}), DisableInstanceDiscovery: true, TenantID: organization, ClientID: clientID,
			UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
				prompts++
				if !strings.Contains(m.Message, m.UserCode) || !strings.HasPrefix(m.VerificationURL, "https://sandbox.test/") {
					t.Errorf("%+v", m)
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			token := signIn(t, c)
			if w := use(t, s, token.Token); w.Code != 200 {
				t.Errorf("%d", w.Code)
			}
			time.Sleep(time.Minute)
		}
		if c := s.Counts(); prompts != 1 || c.IssuedTokens != 3 || c.RefusedSignIns != 0 {
			t.Errorf("%d prompts, counts %+v", prompts, c)
		}
	})
}

func TestDeviceCodeLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Tenant: sandbox.New()}
		scope := "&client_id=x&scope=offline_access+openid+" + resource + "/x"
		redeem := func(code any, more string) (int, any) {
			status, body := post(t, s, "/organizations/"+tokenPath, "grant_type=device_code&device_code="+code.(string)+more)
			return status, body["error"]
		}
		start := func() any {
			_, body := post(t, s, "/organizations/"+devicePath, scope)
			return body["device_code"]
		}
		code := start()
		if status, e := redeem(code, strings.Replace(scope, "client_id=x", "client_id=y", 1)); e != "bad_verification_code" {
			t.Errorf("another client: %d %v", status, e)
		}
		if status, e := redeem(code, scope); status != 200 {
			t.Errorf("%d %v", status, e)
		}
		if status, e := redeem(code, scope); e != "bad_verification_code" {
			t.Errorf("twice: %d %v", status, e)
		}
		code = start()
		time.Sleep(deviceLife)
		if status, e := redeem(code, scope); e != "expired_token" {
			t.Errorf("late: %d %v", status, e)
		}
		s.DevicePolls = 2
		code = start()
		for i, want := range []any{pending, pending, nil} {
			if status, e := redeem(code, scope); e != want {
				t.Errorf("poll %d: %d %v, want %v", i, status, e, want)
			}
		}
		for range deviceLimit + 10 {
			start()
		}
		if len(s.devices.codes) != deviceLimit || len(s.devices.order) != deviceLimit {
			t.Errorf("keeps %d codes", len(s.devices.codes))
		}
	})
}

// A refresh token is for the client that got it, for a while, and is no access
// token; nor is that a refresh token.
func TestRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Tenant: sandbox.New()}
		scope := "&scope=offline_access+" + resource + "/x&client_id="
		_, body := post(t, s, "/organizations/"+devicePath, scope+"x")
		_, got := post(t, s, "/organizations/"+tokenPath, "grant_type=device_code&device_code="+body["device_code"].(string)+scope+"x")
		refresh := func(what, client string, want int) {
			t.Helper()
			status, body := post(t, s, "/organizations/"+tokenPath, "grant_type=refresh_token&refresh_token="+got[what].(string)+scope+client)
			if status != want {
				t.Errorf("%s of %s: %d %v, want %d", what, client, status, body["error"], want)
			}
		}
		refresh("refresh_token", "x", 200)
		refresh("refresh_token", "y", 400)
		refresh("access_token", "x", 400)
		time.Sleep(refreshLife)
		refresh("refresh_token", "x", 400)
	})
}
