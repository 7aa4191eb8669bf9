package queue

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// silenceSubject is where a server is asked for the silences it knows.
const silenceSubject = "rollcall.silences"

// A silence says for how long nothing was heard of who holds a job: its entry is at a
// revision, and has been for a time, or longer. Times are told as spans, each by one
// clock, and so hold good on every machine.
type silence struct {
	Revision uint64        `json:"revision"`
	For      time.Duration `json:"for"`
}

// of returns the time for a revision, which is 0 for another.
func (s silence) of(revision uint64) time.Duration {
	if s.Revision != revision {
		return 0
	}
	return s.For
}

// silences returns those of the jobs that are held, by their keys.
func (v *View) silences() map[string]silence {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make(map[string]silence)
	for key, j := range v.jobs {
		if j.held() {
			all[key] = silence{j.revision, time.Since(j.seen)}
		}
	}
	return all
}

// tellSilences answers who asks for the silences that q has seen itself, until ctx ends.
func (q *Queue) tellSilences(ctx context.Context) {
	var v *View
	err := q.retry(ctx, func(ctx context.Context) (err error) { v, err = q.sharedView(ctx); return err })
	if err != nil {
		return
	}
	told, err := q.conn.Subscribe(silenceSubject, func(m *nats.Msg) {
		b, err := json.Marshal(v.silences())
		if err == nil {
			err = m.Respond(b)
		}
		if err != nil {
			q.log.Debug("tell silences", zap.Error(err))
		}
	})
	if err != nil {
		q.log.Warn("new workers wait for the whole takeover time", zap.Error(err))
		return
	}
	<-ctx.Done()
	told.Unsubscribe()
}

// askSilences returns the silences that a server has seen: none if none answers.
func (q *Queue) askSilences(ctx context.Context) (all map[string]silence) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	m, err := q.conn.RequestWithContext(ctx, silenceSubject, nil)
	if err == nil {
		err = json.Unmarshal(m.Data, &all)
	}
	if err != nil {
		q.log.Debug("ask for silences", zap.Error(err))
		return nil
	}
	return all
}

// silencesOf is askSilences, unless none of entries is held.
func (q *Queue) silencesOf(ctx context.Context, entries map[string]storedEntry) map[string]silence {
	for _, e := range entries {
		if e.held() {
			return q.askSilences(ctx)
		}
	}
	return nil
}

// learnSilences has the view know how long the jobs in it have been as they are.
func (v *View) learnSilences(ctx context.Context) {
	all := v.q.askSilences(ctx)
	now := time.Now() // later than what was said was so
	v.mu.Lock()
	defer v.mu.Unlock()
	for key, s := range all {
		if j := v.jobs[key]; j != nil {
			j.seen = earlier(j.seen, now.Add(-s.of(j.revision)))
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
