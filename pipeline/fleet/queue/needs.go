package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// needs is what fleets and schedules need.
type needs struct {
	fleets map[string]bool // IDs of all
	files  map[string]bool
	keys   map[string]bool // of jobs
}

// needed returns what fleets and schedules need; if there is an error, too, the list of
// one of them can't be read, and more than that is needed. Schedules come first: what
// they have may be a fleet's meanwhile.
func (q *Queue) needed(ctx context.Context) (*needs, error) {
	n := &needs{fleets: make(map[string]bool), files: make(map[string]bool), keys: make(map[string]bool)}
	var errs []error
	schedules, err := q.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range schedules {
		n.files[s.Jobs] = true
		err := n.add(ctx, q, s.Jobs)
		if errors.Is(err, ErrNoFile) {
			now, ferr := q.findSchedule(ctx, s.Name)
			if _, gone := errors.AsType[*NotFoundError](ferr); gone || ferr == nil && now.Jobs != s.Jobs {
				continue // it was removed, or replaced by one whose files are new
			}
		}
		errs = append(errs, err)
	}
	all, err := q.records(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		n.fleets[r.ID] = true
		err := n.add(ctx, q, listName(r.ID))
		if errors.Is(err, ErrNoFile) {
			now, _, ferr := q.record(ctx, r.ID)
			if _, gone := errors.AsType[*NotFoundError](ferr); gone || ferr == nil && !now.Accepted {
				continue // it was removed, or is on its way
			}
		}
		errs = append(errs, err)
	}
	return n, errors.Join(errs...)
}

// add adds what the jobs need whose list is the file called name.
func (n *needs) add(ctx context.Context, q *Queue, name string) error {
	var b bytes.Buffer
	if err := q.Get(ctx, name, &b); err != nil {
		return err
	}
	var jobs []struct {
		Key          string `json:"key"`
		Files        []File `json:"files"`
		RosterSHA256 string `json:"roster_sha256"`
	}
	if err := json.Unmarshal(b.Bytes(), &jobs); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	for _, j := range jobs {
		n.keys[j.Key] = true
		n.files[RosterName(j.RosterSHA256)] = true
		for _, f := range j.Files {
			n.files[RosterName(f.SHA256)] = true
		}
	}
	return nil
}

// ownerOf returns the fleet whose file one of that name is, if it is one's.
func ownerOf(name string) (id string, ok bool) {
	if id, ok := strings.CutPrefix(name, listName("")); ok {
		return id, true
	}
	rest, ok := strings.CutPrefix(name, "results/")
	id, _, _ = strings.Cut(rest, "/")
	return id, ok
}
