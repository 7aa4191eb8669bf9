package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/results"
	"rollcall/tenant/disk"
)

// uploadsAtOnce is how many files are sent to a server at once.
const uploadsAtOnce = 8

// upload sends the rosters of a plan to the server, each once, and returns its jobs.
func (f *fleetSubmitFlags) upload(ctx context.Context, q *queue.Queue, plan *fleetPlan) ([]queue.Job, error) {
	jobs := make([]queue.Job, len(plan.jobs))
	u := uploads{q: q, sent: make(map[string]func() error)}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(uploadsAtOnce)
	for i, j := range plan.jobs {
		g.Go(func() (err error) {
			jobs[i], err = f.job(plan, j, i)
			for _, name := range beside(j.Roster) {
				if err != nil {
					break
				}
				err = u.add(ctx, &jobs[i], name)
			}
			if err != nil {
				return fmt.Errorf("tenant %q: %w", j.Name, err)
			}
			return nil
		})
	}
	return jobs, g.Wait()
}

// beside returns the name of a roster and, if that is a results file, those of the
// files beside it that there are.
func beside(roster string) []string {
	names := []string{roster}
	f, err := os.Open(roster)
	if err != nil {
		return names // which says so when it is sent
	}
	defer f.Close()
	if results.NewSource(f) == nil {
		return names
	}
	for _, name := range results.Beside(roster) {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			names = append(names, name)
		}
	}
	return names
}

// uploads are the files that are sent to a server for one fleet.
type uploads struct {
	q    *queue.Queue
	mu   sync.Mutex
	sent map[string]func() error // by SHA-256
}

// add sends the file called name, unless the server has it, and adds it to a job. It
// is an error if a roster is no longer what it was when it was looked at.
func (u *uploads) add(ctx context.Context, j *queue.Job, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, disk.Cause(err))
	}
	file := queue.File{Name: filepath.Base(name), SHA256: hex.EncodeToString(sum.Sum(nil)), Size: size}
	if len(j.Files) == 0 && file.SHA256 != j.RosterSHA256 {
		return errChanged(name)
	}
	j.Files = append(j.Files, file)
	u.mu.Lock()
	send, ok := u.sent[file.SHA256]
	if !ok {
		send = sync.OnceValue(func() error { return u.send(ctx, f, file.SHA256) })
		u.sent[file.SHA256] = send
	}
	u.mu.Unlock()
	if err := send(); err != nil {
		return fmt.Errorf("send %s: %w", name, err)
	}
	return nil
}

// send sends a file of that SHA-256, unless the server has it.
func (u *uploads) send(ctx context.Context, f *os.File, sha256sum string) error {
	stored := queue.RosterName(sha256sum)
	if has, err := u.q.Has(ctx, stored); err != nil || has {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := sha256.New()
	if err := u.q.Put(ctx, stored, io.TeeReader(f, sum)); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) == sha256sum {
		return nil
	}
	if err := u.q.Delete(ctx, stored); err != nil {
		return err
	}
	return errChanged(f.Name())
}

func errChanged(name string) error {
	return fmt.Errorf("%s was changed while the fleet was submitted: nothing was submitted", name)
}

// job returns the job of a tenant as the server has it, but its fleet and its files.
func (f *fleetSubmitFlags) job(plan *fleetPlan, j *fleetJob, index int) (queue.Job, error) {
	q := queue.Job{Tenant: j.Name, Run: plan.Run, Profile: j.Profile, Index: index, Roster: j.Roster, RosterSHA256: j.found.RosterSHA256,
		Rows: j.found.Roster.Rows, Change: j.found.Change, Target: j.found.Tenant, Noun: j.found.Noun, Real: j.found.Real,
		Holds: j.holds()}
	for _, flag := range plan.FlagsOf(j.Tenant) {
		q.Flags = append(q.Flags, queue.Flag{Name: flag.Name, Values: flag.Values, List: flag.List})
	}
	if f.record.note != "" && !slices.ContainsFunc(q.Flags, func(flag queue.Flag) bool { return flag.Name == "note" }) {
		q.Flags = append(q.Flags, queue.Flag{Name: "note", Values: []string{f.record.note}})
	}
	q.Key = j.key()
	return q, nil
}

// key returns a text that all jobs have that write to the same. A job that writes
// nothing, or to a sandbox of its own, has one of its own.
func (j *fleetJob) key() string {
	if j.x.audit {
		return rand.Text()
	}
	return j.queueKey(rand.Text())
}
