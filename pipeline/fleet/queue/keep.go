package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	cleanEvery = time.Hour
	cleanFirst = time.Minute // after the start
)

// clean removes what is kept no longer, every hour, until ctx ends.
func (s *Server) clean(ctx context.Context) {
	garbage := newCollector(s.own)
	for pause := cleanFirst; wait(ctx, pause) == nil; pause = cleanEvery {
		if !s.leads() {
			continue
		}
		if err := s.cleanOnce(ctx, garbage, time.Now()); err != nil && ctx.Err() == nil {
			s.o.Log.Warn("the store is not cleaned", zap.Error(err))
		}
	}
}

// cleanOnce removes what is kept no longer at now: fleets that ended long ago, or whose
// Submit was cut short, and what nothing needs.
func (s *Server) cleanOnce(ctx context.Context, garbage *collector, now time.Time) error {
	all, err := s.own.records(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range all {
		if ctx.Err() != nil {
			break
		}
		if err := s.cleanFleet(ctx, r, now); err != nil { // others can be removed all the same
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, garbage.run(ctx, now.Add(-garbageAge)))...)
}

// cleanFleet removes a fleet if it is kept no longer at now.
func (s *Server) cleanFleet(ctx context.Context, r fleetRecord, now time.Time) error {
	since, over, err := s.own.changed(ctx, r.ID)
	if err != nil {
		return err
	}
	age := now.Sub(since)
	if r.Accepted && (!over || s.o.Keep == 0 || age < s.o.Keep) || !r.Accepted && age < cleanEvery {
		return nil
	}
	if err := s.own.Remove(ctx, r.ID); err != nil {
		return err
	}
	s.o.Log.Info("a fleet is removed", zap.String("fleet", r.ID), zap.Bool("accepted", r.Accepted), zap.Time("since", since))
	return nil
}

// changed returns when a fleet, or an outcome of it, was changed last, by the server's
// clock, and whether none of its jobs is left.
func (q *Queue) changed(ctx context.Context, id string) (at time.Time, over bool, err error) {
	e, err := q.fleets.Get(ctx, id)
	if err != nil {
		return at, false, fmt.Errorf("read fleet %s: %w", id, cause(err))
	}
	at = e.Created()
	entries, _, err := q.entriesAndOutcomes(ctx, id)
	if err != nil {
		return at, false, err
	}
	outcomes, err := q.snapshot(ctx, q.outcomes, id+".*")
	for _, o := range outcomes {
		if o.Created().After(at) {
			at = o.Created()
		}
	}
	return at, len(entries) == 0, err
}

// Remove removes a fleet that has ended, with its files, logs and outcomes. Cut short,
// it can be done again. Rosters go when no fleet and no schedule has them any more.
func (q *Queue) Remove(ctx context.Context, id string) error {
	if err := q.removeFleet(ctx, id); err != nil {
		return fmt.Errorf("remove fleet %s: %w", id, cause(err))
	}
	return nil
}

func (q *Queue) removeFleet(ctx context.Context, id string) error {
	r, rev, err := q.record(ctx, id)
	if err != nil {
		return err
	}
	entries, _, err := q.entriesAndOutcomes(ctx, id)
	if err != nil {
		return err
	}
	if r.Accepted {
		if len(entries) > 0 {
			return errors.New("it has not ended")
		}
		// From here on it is as one that was never accepted: nobody sees it any more.
		r.Accepted, r.Cancelled = false, true
		b, err := json.Marshal(r)
		if err == nil {
			_, err = q.swap(ctx, q.fleets, id, b, rev)
		}
		if err != nil {
			return err
		}
	}
	if err := q.removeData(ctx, id); err != nil {
		return err
	}
	return q.discard(ctx, id)
}

// removeData removes the results, the logs and the outcomes of a fleet.
func (q *Queue) removeData(ctx context.Context, id string) error {
	names, err := q.fileNames(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if owner, ok := ownerOf(name); ok && owner == id && name != listName(id) {
			if err := q.Delete(ctx, name); err != nil {
				return err
			}
		}
	}
	for _, of := range []struct {
		stream  string
		subject string
	}{{journalStream, journalSubject + id + ".*"}, {"KV_outcomes", "$KV.outcomes." + id + ".*"}} {
		if err := q.purge(ctx, of.stream, jetstream.WithPurgeSubject(of.subject)); err != nil {
			return err
		}
	}
	return nil
}

// purge removes messages of a stream, without a trace.
func (q *Queue) purge(ctx context.Context, stream string, what ...jetstream.StreamPurgeOpt) error {
	return q.retry(ctx, func(ctx context.Context) error {
		s, err := q.js.Stream(ctx, stream)
		if err == nil {
			err = s.Purge(ctx, what...)
		}
		return err
	})
}

// subjects returns the subjects of a stream that match filter.
func (q *Queue) subjects(ctx context.Context, stream, filter string) (names []string, err error) {
	err = q.retry(ctx, func(ctx context.Context) error {
		s, err := q.js.Stream(ctx, stream)
		if err != nil {
			return err
		}
		info, err := s.Info(ctx, jetstream.WithSubjectFilter(filter))
		if err != nil {
			return err
		}
		names = names[:0]
		for name := range info.State.Subjects {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// fileNames returns the names of all files.
func (q *Queue) fileNames(ctx context.Context) (names []string, err error) {
	subjects, err := q.subjects(ctx, filesStream, headSubject+"*")
	for _, s := range subjects {
		if name, err := fileName(s); err == nil {
			names = append(names, name)
		}
	}
	return names, err
}
