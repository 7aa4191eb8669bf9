package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"rollcall/pipeline/roster"
)

// A NotFoundError says that there is no such fleet, or schedule.
type NotFoundError struct {
	What    string // fleet, or schedule
	Name    string
	Nearest string // name of one that there is, or ""
}

func (e *NotFoundError) Error() string {
	text := fmt.Sprintf("no %s %q", e.What, e.Name)
	if e.Nearest != "" {
		text += fmt.Sprintf(": did you mean %s?", e.Nearest)
	}
	return text
}

// notFound returns the error of a name that is none of names.
func notFound(what, name string, names []string) error {
	return &NotFoundError{What: what, Name: name, Nearest: roster.Nearest(name, names)}
}

// record returns what there is of a fleet, with its revision, or a NotFoundError.
func (q *Queue) record(ctx context.Context, id string) (r fleetRecord, rev uint64, err error) {
	if !plainToken.MatchString(id) {
		return r, 0, &NotFoundError{What: "fleet", Name: id}
	}
	var e jetstream.KeyValueEntry
	err = q.repeat(ctx, callTimeout, func(ctx context.Context) (err error) { e, err = q.fleets.Get(ctx, id); return err })
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound): // also of one that was deleted
		return r, 0, &NotFoundError{What: "fleet", Name: id}
	case err != nil:
		return r, 0, fmt.Errorf("read fleet %s: %w", id, err)
	}
	if err := json.Unmarshal(e.Value(), &r); err != nil {
		return r, 0, fmt.Errorf("read fleet %s: %w", id, err)
	}
	return r, e.Revision(), nil
}

// records returns what there is of all fleets, in the order of their submission. Those
// that are not accepted come last.
func (q *Queue) records(ctx context.Context) (all []fleetRecord, err error) {
	found, err := values[fleetRecord](ctx, q, q.fleets, jetstream.AllKeys)
	if err != nil {
		return nil, fmt.Errorf("read the fleets: %w", err)
	}
	for _, r := range found {
		all = append(all, r.value)
	}
	slices.SortFunc(all, func(a, b fleetRecord) int {
		return cmp.Or(cmp.Compare(a.Order-1, b.Order-1), cmp.Compare(a.ID, b.ID)) // 0 is behind all
	})
	return all, nil
}

// Fleets returns all fleets that were accepted, the newest last.
func (q *Queue) Fleets(ctx context.Context) (fleets []Fleet, err error) {
	all, err := q.records(ctx)
	for _, r := range all {
		if r.Accepted {
			fleets = append(fleets, r.Fleet)
		}
	}
	return fleets, err
}

// Find returns the fleet with an ID, or the latest with a name, or a NotFoundError.
func (q *Queue) Find(ctx context.Context, nameOrID string) (*Fleet, error) {
	fleets, err := q.Fleets(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range slices.Backward(fleets) {
		if f.ID == nameOrID {
			return &f, nil
		}
		names = append(names, f.ID, f.Name)
	}
	for _, f := range slices.Backward(fleets) {
		if f.Name == nameOrID {
			return &f, nil
		}
	}
	return nil, notFound("fleet", nameOrID, names)
}

// NewID returns an ID for a fleet of that name which no other has.
func (q *Queue) NewID(ctx context.Context, name string, now time.Time) (string, error) {
	all, err := q.records(ctx)
	if err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		id := idOf(name, now, n)
		if !slices.ContainsFunc(all, func(r fleetRecord) bool { return r.ID == id }) {
			return id, nil
		}
	}
}

// idOf returns the ID of the n-th fleet of a name in the second now.
func idOf(name string, now time.Time, n int) string {
	id := name + now.UTC().Format("-20060102-150405")
	if n > 1 {
		id += fmt.Sprintf("-%d", n)
	}
	return id
}

// State returns how far a fleet is.
func (q *Queue) State(ctx context.Context, id string) (*FleetState, error) {
	r, _, err := q.record(ctx, id)
	if err != nil {
		return nil, err
	}
	list, err := q.list(ctx, id)
	if err != nil && (r.Accepted || !errors.Is(err, ErrNoFile)) {
		return nil, err
	}
	entries, outcomes, err := q.entriesAndOutcomes(ctx, id)
	if err != nil {
		return nil, err
	}
	silences := q.silencesOf(ctx, entries)
	return compose(r.Fleet, list, func(key string) (*entry, time.Duration) {
		if e, ok := entries[key]; ok {
			return &e.entry, silences[key].of(e.revision)
		}
		return nil, 0
	}, func(tenant string) (keptOutcome, bool) {
		o, ok := outcomes[tenant]
		return o, ok
	}), nil
}

// A storedEntry is an entry with its revision.
type storedEntry struct {
	entry
	revision uint64
}

// entriesAndOutcomes returns the entries of a fleet by their keys, and the outcomes by tenants. A
// job that is not lost is in one of them, whatever happens meanwhile: outcomes are read
// later.
func (q *Queue) entriesAndOutcomes(ctx context.Context, id string) (entries map[string]storedEntry, outcomes map[string]keptOutcome, err error) {
	entries, outcomes = make(map[string]storedEntry), make(map[string]keptOutcome)
	found, err := values[entry](ctx, q, q.jobs, jetstream.AllKeys)
	if err != nil {
		return nil, nil, fmt.Errorf("read the jobs of fleet %s: %w", id, err)
	}
	for key, e := range found {
		if e.value.Fleet == id {
			entries[key] = storedEntry{e.value, e.revision}
		}
	}
	kept, err := values[keptOutcome](ctx, q, q.outcomes, id+".*")
	if err != nil {
		return nil, nil, fmt.Errorf("read the outcomes of fleet %s: %w", id, err)
	}
	for key, o := range kept {
		outcomes[key[len(id)+1:]] = o.value
	}
	return entries, outcomes, nil
}

// compose says how far a fleet is, whose jobs list has, out of their entries, with how
// long these have been as they are, and outcomes.
func compose(f Fleet, list []Job, entryOf func(key string) (*entry, time.Duration), outcomeOf func(tenant string) (keptOutcome, bool)) *FleetState {
	s := &FleetState{Fleet: f, Jobs: make([]TenantState, 0, len(list))}
	for _, j := range list {
		t := TenantState{Job: j}
		e, silent := entryOf(j.Key)
		if e != nil && e.Fleet == f.ID {
			t.Worker, t.Epoch, t.Progress, t.Since, t.Rejections = e.Worker, e.Epoch, e.Progress, e.Since, reasons(e.Rejections)
			switch reason := f.stopReason(j.Tenant); {
			case e.Ended:
				t.State, t.Outcome = Ended, e.Outcome
			case e.held():
				t.State, t.Silent = Running, silent
			case reason == StopPaused:
				t.State = Paused
			default:
				t.State = Waiting
				if ends(reason) {
					t.Ending = reason
				}
			}
		} else if o, ok := outcomeOf(j.Tenant); ok {
			t.State, t.Outcome, t.Worker, t.Epoch, t.Since = Ended, o.Outcome, o.Worker, o.Epoch, o.Since
		} else if f.Accepted {
			t.State = Lost
		} else {
			t.State = Waiting
		}
		s.Jobs = append(s.Jobs, t)
	}
	return s
}

// reasons says for people who rejected a job, and why.
func reasons(rejections []rejection) (texts []string) {
	for _, r := range rejections {
		texts = append(texts, r.Worker+": "+r.Reason)
	}
	return texts
}
