package work

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"rollcall/pipeline/lock"
)

// A home is the directory of a Worker, with those of its jobs in it.
type home struct {
	dir  string
	held *lock.Lock
}

const (
	homePattern = "rollcall-worker-*"
	homeLock    = "lock"
	claimWait   = 30 * time.Second
)

// claimHome makes a directory in dir for the Worker of that name, and removes those of
// Workers that were killed: rosters and results are in them.
func claimHome(ctx context.Context, dir, name string) (*home, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// Nobody removes a directory that has no lock yet.
	claiming, err := lock.File{Path: filepath.Join(dir, "rollcall-workers.lock"), What: "the directory " + dir}.Acquire(ctx, name, claimWait)
	if err != nil {
		return nil, err
	}
	defer claiming.Release()
	left, err := filepath.Glob(filepath.Join(dir, homePattern))
	if err != nil {
		return nil, err
	}
	for _, old := range left {
		held, err := lock.File{Path: filepath.Join(old, homeLock), What: old}.Acquire(ctx, name, 0)
		if err != nil {
			continue // its Worker is alive, or it is another account's
		}
		held.Release()
		os.RemoveAll(old)
	}
	own, err := os.MkdirTemp(dir, homePattern)
	if err != nil {
		return nil, err
	}
	held, err := lock.File{Path: filepath.Join(own, homeLock), What: own}.Acquire(ctx, name, 0)
	if err != nil {
		os.RemoveAll(own)
		return nil, err
	}
	return &home{own, held}, nil
}

// remove removes the directory.
func (h *home) remove() {
	h.held.Release()
	os.RemoveAll(h.dir)
}
