package queue

import (
	"net/url"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// A token is in no line of the log, in whatever form an address can have it.
func TestNatsLogHidesToken(t *testing.T) {
	const token = "a b&c$d+e/f:g@h%i"
	core, lines := observer.New(zap.DebugLevel)
	l := newNatsLog(zap.New(core), token)
	forms := []string{token, url.QueryEscape(token), url.PathEscape(token), url.User(token).String(), strings.TrimPrefix(url.UserPassword("", token).String(), ":")}
	for _, form := range forms {
		l.Warnf("connect to nats://%s@10.0.0.1:4233", form)
		if got, want := lines.TakeAll()[0].Message, "connect to nats://****@10.0.0.1:4233"; got != want {
			t.Errorf("the line is %q, want %q", got, want)
		}
	}
}
