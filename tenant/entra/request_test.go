package entra

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"rollcall/tenant"
)

// A refuser has one token and, some time after it was asked for another, none.
type refuser struct{ answer chan struct{} }

func (r refuser) token(_ context.Context, refused, _ string) (issued, error) {
	if refused == "" {
		return issued{token: "t"}, nil
	}
	<-r.answer
	return issued{}, &tenant.Error{Class: tenant.Unauthorized, Err: errors.New("no other")}
}

// That there is no other token than the one refused is nothing to who asks for any.
func TestAnyTokenWhileAnotherIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := refuser{make(chan struct{})}
		s := &Source{get: r}
		go s.Token(t.Context(), "t", "")
		synctest.Wait()
		var token string
		var err error
		go func() { token, err = s.Token(t.Context(), "", "") }()
		synctest.Wait()
		close(r.answer)
		synctest.Wait()
		if token != "t" || err != nil {
			t.Errorf("Token = %q, %v; want t", token, err)
		}
	})
}
