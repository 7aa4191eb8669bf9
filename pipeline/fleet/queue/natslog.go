package queue

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"go.uber.org/zap"
)

// A natsLog has the lines of the engine be lines of our log, without the token. What
// the engine notes of its ordinary work is for debugging here, and what it calls an
// error a warning: a peer that can't be reached is one.
type natsLog struct {
	log    *zap.Logger
	secret *strings.Replacer

	working context.Context // ended, with the reason, by the first line that says that it can't go on
	broke   context.CancelCauseFunc
}

// broken matches what the engine calls an error, after which it stores nothing until it is
// started again, whatever becomes of the disk. A line about a client begins with what that
// says of itself.
var broken = regexp.MustCompile(`^(?:JetStream|Filestore|RAFT) .*(?:[Cc]ritical write error|will be DISABLED)`)

// newNatsLog returns a log that hides a token.
func newNatsLog(log *zap.Logger, token string) *natsLog {
	var pairs []string
	if token != "" {
		for _, as := range []string{token, url.QueryEscape(token), url.PathEscape(token), url.User(token).String()} {
			pairs = append(pairs, as, "****")
		}
	}
	l := &natsLog{log: log.With(zap.String("from", "nats")), secret: strings.NewReplacer(pairs...)}
	l.working, l.broke = context.WithCancelCause(context.Background())
	return l
}

func (l *natsLog) text(format string, v []any) string {
	return l.secret.Replace(fmt.Sprintf(format, v...))
}

// Noticef and the others are what the engine calls.
func (l *natsLog) Noticef(format string, v ...any) { l.log.Debug(l.text(format, v)) }
func (l *natsLog) Debugf(format string, v ...any)  { l.log.Debug(l.text(format, v)) }
func (l *natsLog) Tracef(format string, v ...any)  {}
func (l *natsLog) Warnf(format string, v ...any)   { l.log.Warn(l.text(format, v)) }
func (l *natsLog) Errorf(format string, v ...any) {
	if broken.MatchString(format) {
		l.Fatalf(format, v...)
		return
	}
	l.log.Warn(l.text(format, v))
}

// Fatalf keeps what is said first, for [Server.Ready].
func (l *natsLog) Fatalf(format string, v ...any) {
	text := l.text(format, v)
	l.log.Error(text)
	if _, why, found := strings.Cut(text, " write error: "); found {
		text = why
	}
	l.broke(errors.New(text))
}

// failure returns the first thing that was fatal, or nil.
func (l *natsLog) failure() error { return context.Cause(l.working) }
