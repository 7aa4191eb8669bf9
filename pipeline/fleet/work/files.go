package work

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"

	"rollcall/pipeline/fleet/queue"
	"rollcall/tenant/disk"
)

// fetchTries is how often a file is asked for, before the job is left to another Worker.
const fetchTries = 4

// fetch writes the files of a job into dir, which it makes. Whatever is not as it was
// submitted is a [RosterError].
func (t *task) fetch(ctx context.Context, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if len(t.lease.Files) == 0 {
		return &RosterError{t.lease.Roster, queue.ErrNoFile}
	}
	for _, f := range t.lease.Files {
		if err := checkName(f.Name); err != nil {
			return &RosterError{t.lease.Roster, err}
		}
		err := t.retry(ctx, "get a file", fetchTries, func(ctx context.Context) error {
			err := t.get(ctx, f, filepath.Join(dir, f.Name))
			if errors.Is(err, queue.ErrNoFile) {
				return &RosterError{t.lease.Roster, fmt.Errorf("%s: %w", f.Name, err)}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkName returns an error if name, which the server has, can't be that of a file in a
// directory of ours.
func checkName(name string) error {
	if filepath.Base(name) != name || !filepath.IsLocal(name) || strings.ContainsAny(name, `/\`) {
		return fmt.Errorf("%q is no name of a file", name)
	}
	return nil
}

// get writes one file of the job to the disk.
func (t *task) get(ctx context.Context, f queue.File, name string) error {
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	err = t.Queue.Get(ctx, queue.RosterName(f.SHA256), io.MultiWriter(w, sum))
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); !strings.EqualFold(got, f.SHA256) {
		return &RosterError{t.lease.Roster, fmt.Errorf("%s: it was changed since it was submitted (SHA-256 %.12s then, %.12s now)", f.Name, f.SHA256, got)}
	}
	return nil
}

// suffixes are those of the files that a job can leave.
var suffixes = []string{".csv", ".csv.json", ".csv.journal"}

// store puts the results of the job into the store, in place of what an earlier lease
// left there. If the job has no results, what is there stays. For tries see retry.
func (t *task) store(ctx context.Context, tries int) error {
	if _, err := os.Stat(t.results); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, suffix := range suffixes {
		if err := t.retry(ctx, "put the results", tries, func(ctx context.Context) error { return t.put(ctx, suffix) }); err != nil {
			return err
		}
	}
	return nil
}

// put puts a file of the results into the store, or removes what is there if this job has
// none of the kind.
func (t *task) put(ctx context.Context, suffix string) error {
	stored := queue.ResultName(t.lease.Fleet, t.lease.Tenant, suffix)
	f, err := os.Open(strings.TrimSuffix(t.results, suffixes[0]) + suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return t.Queue.DeleteIf(ctx, stored, t.mayStore)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return t.Queue.PutIf(ctx, stored, f, t.mayStore)
}

// mayStore returns [ErrLost] if what another Worker has stored might be replaced.
func (t *task) mayStore() error {
	if t.lease.Valid() {
		return nil
	}
	return ErrLost
}

// download writes the results that the store has of a tenant into dir, as files called
// TENANT.csv and so on, and reports whether there are some.
func download(ctx context.Context, q *queue.Queue, id, tenant, dir string) (found bool, err error) {
	if err := checkName(tenant + suffixes[0]); err != nil {
		return false, err
	}
	for _, suffix := range suffixes {
		name := filepath.Join(dir, tenant+suffix)
		err := disk.ReplaceFile(name, 0o600, func(w io.Writer) error {
			return q.Get(ctx, queue.ResultName(id, tenant, suffix), w)
		})
		switch {
		case err == nil:
			found = true
		case !errors.Is(err, queue.ErrNoFile):
			return false, fmt.Errorf("get the results of %s: %w", tenant, err)
		default:
			if err := disk.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return false, err
			}
		}
	}
	return found, nil
}

// retry calls f until it succeeds, the lease is lost, or f has failed so many times; 0
// stands for no limit.
func (t *task) retry(ctx context.Context, what string, tries int, f func(context.Context) error) error {
	for failures := 1; ; failures++ {
		if t.isLost(ctx) {
			return ErrLost
		}
		err := f(ctx)
		switch {
		case err == nil:
			return nil
		case t.isLost(ctx):
			return ErrLost
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case failures == tries || isRoster(err):
			return err
		}
		t.log.Warn("trying again to "+what, zap.Error(err))
		sleep(ctx, waitAfter(failures))
	}
}
