package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	fireAckWait = 15 * time.Second // without a sign of life of who submits a fleet
	fireRetry   = 5 * time.Second
)

// fire submits the fleets of schedules when their time has come, until ctx ends. One of
// those that do so at once, on the nodes of a cluster, is given each.
func (q *Queue) fire(ctx context.Context) {
	for ctx.Err() == nil && !q.conn.IsClosed() {
		if err := q.fireAll(ctx); err != nil && ctx.Err() == nil {
			q.log.Warn("schedules", zap.Error(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(fireRetry):
		}
	}
}

func (q *Queue) fireAll(ctx context.Context) error {
	stream, err := q.cron(ctx)
	if err != nil {
		return err
	}
	if err := q.restoreTimers(ctx, stream); err != nil {
		return err
	}
	consumer, err := stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: "fire", FilterSubject: firedSubject + "*",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: fireAckWait, MaxDeliver: -1})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullHeartbeat(fireRetry))
	if err != nil {
		return err
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	for {
		m, err := messages.Next()
		if err != nil {
			return err
		}
		q.fired(ctx, m)
	}
}

// restoreTimers makes up for what was cut short: a schedule has its message, unless it is paused.
func (q *Queue) restoreTimers(ctx context.Context, stream jetstream.Stream) error {
	all, err := q.Schedules(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		_, err := stream.GetLastMsgForSubject(ctx, cronSubject+s.Name)
		if errors.Is(err, jetstream.ErrMsgNotFound) == s.Paused {
			continue
		}
		if err := q.applyTimer(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// fired carries out that it is time for a schedule.
func (q *Queue) fired(ctx context.Context, m jetstream.Msg) {
	name := strings.TrimPrefix(m.Subject(), firedSubject)
	over := make(chan struct{})
	defer close(over)
	go func() { // a large fleet takes its time
		tick := time.NewTicker(fireAckWait / 4)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				m.InProgress()
			case <-over:
				return
			}
		}
	}()
	log := q.log.With(zap.String("schedule", name))
	meta, err := m.Metadata()
	var result string
	if err == nil {
		result, err = q.submitScheduled(ctx, name, meta.Timestamp)
	}
	if err != nil {
		log.Warn("a fleet was not submitted yet", zap.Error(err))
		m.NakWithDelay(fireRetry)
		return
	}
	log.Info("it was time", zap.String("result", result))
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := m.DoubleAck(ctx); err != nil {
		log.Debug("acknowledge", zap.Error(err)) // it comes again, and finds what was done
	}
}

// submitScheduled submits the fleet of a schedule, for which it was time at now, and
// returns what came of it. It can be done again if it was cut short. An error says
// that it should be.
func (q *Queue) submitScheduled(ctx context.Context, name string, now time.Time) (result string, err error) {
	now = now.UTC()
	s, err := q.findSchedule(ctx, name)
	if _, gone := errors.AsType[*NotFoundError](err); gone {
		return "there is no such schedule", q.stopTimer(ctx, name)
	}
	if err != nil {
		return "", err
	}
	if s.Paused {
		return "it is paused", nil
	}
	if !s.Last.Before(now) || s.shownTwice(now) {
		return "it was done already", nil
	}
	id, result, err := q.submitOnce(ctx, s, now)
	if err != nil {
		return "", err
	}
	return result, q.changeSchedule(ctx, name, func(was *Schedule, there bool) bool {
		was.Last, was.LastResult = now, result
		if id != "" {
			was.LastFleet = id
		}
		return there
	})
}

// submitOnce submits the fleet of a schedule for which it was time at now, unless it has
// been or the last one still runs. It returns its ID, or none and why not.
func (q *Queue) submitOnce(ctx context.Context, s *Schedule, now time.Time) (id, result string, err error) {
	f := s.Fleet
	done, err := q.scheduledID(ctx, s, &f, now)
	if done || err != nil {
		return f.ID, f.ID, err
	}
	if s.LastFleet != "" {
		entries, _, err := q.entriesAndOutcomes(ctx, s.LastFleet)
		if err != nil {
			return "", "", err
		}
		if len(entries) > 0 {
			return "", fmt.Sprintf("skipped: %s has not ended", s.LastFleet), nil
		}
	}
	var b bytes.Buffer
	var jobs []Job
	if err := q.Get(ctx, s.Jobs, &b); err != nil {
		return "", "", err
	}
	if err := json.Unmarshal(b.Bytes(), &jobs); err != nil {
		return "", "not submitted: " + err.Error(), nil
	}
	err = q.Submit(ctx, f, jobs)
	if isUnanswered(err) || errors.Is(err, errExists) || errors.Is(err, ErrMaybeSubmitted) || err != nil && ctx.Err() != nil { // it comes again
		return "", "", err
	}
	if err != nil {
		return "", "not submitted: " + err.Error(), nil
	}
	return f.ID, f.ID, nil
}

// scheduledID sets the ID of a fleet of a schedule, of the second now, to one that no
// other fleet has, and reports whether the fleet was submitted already: by a process that
// ended then.
func (q *Queue) scheduledID(ctx context.Context, s *Schedule, f *Fleet, now time.Time) (done bool, err error) {
	for n := 1; ; n++ {
		f.ID = idOf(f.Name, now, n)
		r, _, err := q.record(ctx, f.ID)
		if _, isNew := errors.AsType[*NotFoundError](err); isNew {
			return false, nil
		}
		switch {
		case err != nil:
			return false, err
		case r.Schedule != s.Name: // submitted by hand in that second
			continue
		case r.Accepted:
			return true, nil
		}
		// By a process that is gone, or by one that has taken too long.
		return false, q.discard(ctx, f.ID)
	}
}

// shownTwice reports whether the schedule was carried out when clocks showed what they
// show at now, before they were put back. Of a schedule for each hour both are meant.
func (s *Schedule) shownTwice(now time.Time) bool {
	c, loc, err := parseCron(s.Cron, s.TimeZone)
	const minute = "2006-01-02 15:04"
	return err == nil && !c.stars[1] && s.Last.In(loc).Format(minute) == now.In(loc).Format(minute) && now.Sub(s.Last) >= 30*time.Minute
}
