package queue

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A Schedule submits a fleet again and again: the server has a message for it, from
// which comes another whenever it is time.
//
// It is skipped as long as the fleet that it submitted last has not ended. What was
// missed while no server ran is made up for once at most. A time that clocks skip has
// none, and one that they show twice has one.
type Schedule struct {
	Name       string    `json:"name"`
	Cron       string    `json:"cron"` // five fields, as of crontab
	TimeZone   string    `json:"time_zone"`
	By         string    `json:"by"`
	Paused     bool      `json:"paused,omitempty"`
	Next       time.Time `json:"-"`    // as Schedules has it; zero if it is paused
	Last       time.Time `json:"last"` // when it was time, as the server saw it
	LastResult string    `json:"last_result,omitempty"`
	LastFleet  string    `json:"last_fleet,omitempty"` // ID of what it submitted last
	Jobs       string    `json:"jobs"`                 // file with the list of jobs
	Fleet      Fleet     `json:"fleet"`
}

// What the stream CRON has: the messages of schedules, and those that come from them.
const (
	cronStream   = "CRON"
	cronSubject  = "fleet.cron."
	firedSubject = "fleet.fired."
)

// cron returns the stream of the schedules, and makes it if need be.
func (q *Queue) cron(ctx context.Context) (s jetstream.Stream, err error) {
	err = q.repeat(ctx, callTimeout, func(ctx context.Context) (err error) {
		if s, err = q.js.Stream(ctx, cronStream); !errors.Is(err, jetstream.ErrStreamNotFound) {
			return err
		}
		status, err := q.schedules.Status(ctx)
		if err != nil {
			return err
		}
		c := jetstream.StreamConfig{Name: cronStream, Subjects: []string{cronSubject + "*", firedSubject + "*"}, Storage: jetstream.FileStorage,
			MaxMsgsPerSubject: 1, AllowMsgSchedules: true, AllowRollup: true}
		if b, ok := status.(*jetstream.KeyValueBucketStatus); ok {
			c.Replicas = b.StreamInfo().Config.Replicas
		}
		s, err = q.js.CreateStream(ctx, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the stream of schedules: %w", err)
	}
	return s, nil
}

// startTimer has the server send a message for a schedule, whenever pattern says.
func (q *Queue) startTimer(ctx context.Context, name, pattern, zone string) error {
	if _, err := q.cron(ctx); err != nil {
		return err
	}
	return q.repeat(ctx, callTimeout, func(ctx context.Context) error { // it takes the place of what it was
		opts := []jetstream.PublishOpt{jetstream.WithScheduleCron(pattern), jetstream.WithScheduleTarget(firedSubject + name)}
		if zone != "" {
			opts = append(opts, jetstream.WithScheduleTimeZone(zone))
		}
		_, err := q.js.Publish(ctx, cronSubject+name, nil, opts...)
		return err
	})
}

// stopTimer has the server send no more messages for a schedule.
func (q *Queue) stopTimer(ctx context.Context, name string) error {
	s, err := q.cron(ctx)
	if err != nil {
		return err
	}
	return q.repeat(ctx, callTimeout, func(ctx context.Context) error { return s.Purge(ctx, jetstream.WithPurgeSubject(cronSubject+name)) })
}

// AddSchedule adds a schedule for a fleet and its jobs, or replaces the one of its name,
// which keeps what it has done. Fleet has no ID.
func (q *Queue) AddSchedule(ctx context.Context, s Schedule, jobs []Job) error {
	if err := q.addSchedule(ctx, s, jobs); err != nil {
		return fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	return nil
}

func (q *Queue) addSchedule(ctx context.Context, s Schedule, jobs []Job) error {
	if !plainToken.MatchString(s.Name) {
		return fmt.Errorf("name %q: want letters, digits, - and _", s.Name)
	}
	if _, _, err := parseCron(s.Cron, s.TimeZone); err != nil {
		return err
	}
	s.Fleet.Schedule = s.Name
	trial := s.Fleet
	trial.ID = s.Fleet.Name + "-0"
	if err := trial.check(slices.Clone(jobs)); err != nil {
		return err
	}
	s.Fleet.Tenants = len(jobs)
	b, err := json.Marshal(jobs)
	if err != nil {
		return err
	}
	s.Jobs = "schedules/" + s.Name + "/" + rand.Text()
	if err := q.Put(ctx, s.Jobs, bytes.NewReader(b)); err != nil {
		return err
	}
	old := ""
	if err := q.changeSchedule(ctx, s.Name, func(was *Schedule, there bool) (keep bool) {
		old = was.Jobs
		s.Last, s.LastResult, s.LastFleet = was.Last, was.LastResult, was.LastFleet
		*was = s
		return true
	}); err != nil {
		return err
	}
	if err := q.applyTimer(ctx, s); err != nil {
		return err
	}
	if old != "" {
		return q.Delete(ctx, old)
	}
	return nil
}

// applyTimer has the server send messages for a schedule, or not, as it says.
func (q *Queue) applyTimer(ctx context.Context, s Schedule) error {
	if s.Paused {
		return q.stopTimer(ctx, s.Name)
	}
	c, _, err := parseCron(s.Cron, s.TimeZone)
	if err != nil {
		return err
	}
	return q.startTimer(ctx, s.Name, c.pattern(), s.TimeZone)
}

// changeSchedule changes what there is of a schedule, unless change returns false.
func (q *Queue) changeSchedule(ctx context.Context, name string, change func(s *Schedule, there bool) bool) error {
	for {
		var s Schedule
		e, rev, err := q.marker(ctx, q.schedules, name)
		if err != nil {
			return err
		}
		there := e != nil && e.Operation() == jetstream.KeyValuePut
		if there {
			if err := json.Unmarshal(e.Value(), &s); err != nil {
				return err
			}
		}
		if !change(&s, there) {
			return nil
		}
		b, err := json.Marshal(s)
		if err == nil {
			_, err = q.swap(ctx, q.schedules, name, b, rev)
		}
		if !errors.Is(err, errChanged) {
			return err
		}
	}
}

// Schedules returns all schedules by name.
func (q *Queue) Schedules(ctx context.Context) (all []Schedule, err error) {
	found, err := values[Schedule](ctx, q, q.schedules, jetstream.AllKeys)
	if err != nil {
		return nil, fmt.Errorf("read the schedules: %w", err)
	}
	for _, e := range found {
		s := e.value
		if c, loc, err := parseCron(s.Cron, s.TimeZone); err == nil && !s.Paused {
			s.Next = c.next(time.Now(), loc)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Schedule) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// findSchedule returns the schedule of that name, or a NotFoundError.
func (q *Queue) findSchedule(ctx context.Context, name string) (*Schedule, error) {
	all, err := q.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range all {
		if s.Name == name {
			return &s, nil
		}
		names = append(names, s.Name)
	}
	return nil, notFound("schedule", name, names)
}

// PauseSchedule pauses a schedule, or has it go on.
func (q *Queue) PauseSchedule(ctx context.Context, name string, paused bool) error {
	s, err := q.findSchedule(ctx, name)
	if err != nil {
		return err
	}
	err = q.changeSchedule(ctx, name, func(was *Schedule, there bool) bool {
		was.Paused = paused
		*s = *was
		return there
	})
	if err == nil {
		err = q.applyTimer(ctx, *s)
	}
	if err != nil {
		return fmt.Errorf("pause schedule %s: %w", name, err)
	}
	return nil
}

// RemoveSchedule removes a schedule. What it has submitted goes on.
func (q *Queue) RemoveSchedule(ctx context.Context, name string) error {
	s, err := q.findSchedule(ctx, name)
	if err != nil {
		return err
	}
	err = q.repeat(ctx, callTimeout, func(ctx context.Context) error { return q.schedules.Delete(ctx, name) })
	if err == nil {
		err = q.stopTimer(ctx, name)
	}
	if err == nil {
		err = q.Delete(ctx, s.Jobs)
	}
	if err != nil {
		return fmt.Errorf("remove schedule %s: %w", name, err)
	}
	return nil
}
