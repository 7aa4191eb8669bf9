package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// sweepAge is how old what nothing needs has to be, to be removed: who stores a roster
// needs it only when the fleet is submitted.
const sweepAge = 24 * time.Hour

// A sweep removes what nothing in the store needs any more: rosters of fleets that were
// removed, and what those left whose processes were killed, or who did not know yet that
// their fleet was gone. It goes only if it was not needed the time before, either.
type sweep struct {
	q      *Queue
	unused map[string]bool // the time before; names of files, or subjects
	now    map[string]bool // this time
}

func newSweep(q *Queue) *sweep { return &sweep{q: q} }

// run sweeps once; files that were stored since a time of the server's clock stay.
func (s *sweep) run(ctx context.Context, before time.Time) error {
	s.now = make(map[string]bool)
	needed, fleets, err := s.q.needed(ctx)
	if err == nil {
		err = s.files(ctx, needed, fleets, before)
	}
	if err == nil {
		err = s.parts(ctx, before)
	}
	for _, of := range []struct{ stream, prefix string }{{journalStream, journalSubject}, {"KV_outcomes", "$KV.outcomes."}} {
		if err == nil {
			err = s.subjects(ctx, of.stream, of.prefix, fleets)
		}
	}
	if err != nil {
		return fmt.Errorf("sweep the store: %w", cause(err))
	}
	s.unused = s.now
	return nil
}

// again notes that nothing needs something, and reports whether that was so before.
func (s *sweep) again(name string) bool {
	s.now[name] = true
	return s.unused[name]
}

// needed returns which files fleets and schedules need, and the IDs of all fleets.
// Schedules come first: what they have may be a fleet's meanwhile.
func (q *Queue) needed(ctx context.Context) (files, fleets map[string]bool, err error) {
	files, fleets = make(map[string]bool), make(map[string]bool)
	var lists []string
	schedules, err := q.Schedules(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range schedules {
		files[s.Jobs] = true
		lists = append(lists, s.Jobs)
	}
	all, err := q.records(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range all {
		fleets[r.ID] = true
		lists = append(lists, listName(r.ID))
	}
	for _, name := range lists {
		var b bytes.Buffer
		var jobs []struct {
			Files        []File `json:"files"`
			RosterSHA256 string `json:"roster_sha256"`
		}
		switch err := q.Get(ctx, name, &b); {
		case errors.Is(err, ErrNoFile): // it is on its way
			continue
		case err != nil:
			return nil, nil, err
		}
		if err := json.Unmarshal(b.Bytes(), &jobs); err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", name, err)
		}
		for _, j := range jobs {
			files[RosterName(j.RosterSHA256)] = true
			for _, f := range j.Files {
				files[RosterName(f.SHA256)] = true
			}
		}
	}
	return files, fleets, nil
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

// files removes files that nothing needs.
func (s *sweep) files(ctx context.Context, needed, fleets map[string]bool, before time.Time) error {
	names, err := s.q.fileNames(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		id, _ := ownerOf(name)
		if needed[name] || fleets[id] || !s.again(name) {
			continue
		}
		h, err := s.q.head(ctx, name)
		if err == nil && h.seq != 0 && h.since.Before(before) {
			_, err = s.q.deleteHead(ctx, h) // unless somebody asked for it since
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parts removes parts of files that have no head.
func (s *sweep) parts(ctx context.Context, before time.Time) error {
	subjects, err := s.q.subjects(ctx, filesStream, partSubject+">")
	if err != nil || len(subjects) == 0 {
		return err
	}
	names, err := s.q.fileNames(ctx)
	if err != nil {
		return err
	}
	heads := make(map[string]bool)
	for _, name := range names {
		h, err := s.q.head(ctx, name)
		if err != nil {
			return err
		}
		heads[h.ID] = true
	}
	for _, subject := range subjects {
		id, _, _ := strings.Cut(strings.TrimPrefix(subject, partSubject), ".")
		if heads[id] || !s.again(subject) {
			continue
		}
		m, err := s.q.message(ctx, subject)
		if err == nil && m.Time.Before(before) {
			err = s.q.purge(ctx, filesStream, subject)
		}
		if err != nil && !errors.Is(err, ErrNoFile) {
			return err
		}
	}
	return nil
}

// subjects removes what a stream has of fleets that there are not, by subjects that
// have the fleet's ID behind prefix.
func (s *sweep) subjects(ctx context.Context, stream, prefix string, fleets map[string]bool) error {
	subjects, err := s.q.subjects(ctx, stream, prefix+">")
	if err != nil {
		return err
	}
	for _, subject := range subjects {
		id, _, _ := strings.Cut(strings.TrimPrefix(subject, prefix), ".")
		if fleets[id] || !s.again(subject) {
			continue
		}
		if err := s.q.purge(ctx, stream, subject); err != nil {
			return err
		}
	}
	return nil
}
