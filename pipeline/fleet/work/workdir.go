package work

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"rollcall/pipeline/lock"
)

// A workDir is the directory of a Worker, with those of its jobs in it.
type workDir struct {
	dir  string
	held *lock.Lock
}

const (
	workDirPattern = "rollcall-worker-*"
	workDirLock    = "lock"
	claimWait      = 30 * time.Second
)

// createWorkDir makes a directory in dir for the Worker of that name, and removes those of
// Workers that were killed: rosters and results are in them.
func createWorkDir(ctx context.Context, dir, name string) (*workDir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// Nobody removes a directory that has no lock yet.
	claiming, err := lock.File{Path: filepath.Join(dir, "rollcall-workers.lock"), What: "the directory " + dir}.Acquire(ctx, name, claimWait)
	if err != nil {
		return nil, err
	}
	defer claiming.Release()
	left, err := filepath.Glob(filepath.Join(dir, workDirPattern))
	if err != nil {
		return nil, err
	}
	for _, old := range left {
		held, err := lock.File{Path: filepath.Join(old, workDirLock), What: old}.Acquire(ctx, name, 0)
		if err != nil {
			continue // its Worker is alive, or it is another account's
		}
		held.Release()
		os.RemoveAll(old)
	}
	own, err := os.MkdirTemp(dir, workDirPattern)
	if err != nil {
		return nil, err
	}
	held, err := lock.File{Path: filepath.Join(own, workDirLock), What: own}.Acquire(ctx, name, 0)
	if err != nil {
		os.RemoveAll(own)
		return nil, err
	}
	return &workDir{own, held}, nil
}

// remove removes the directory.
func (d *workDir) remove() {
	d.held.Release()
	os.RemoveAll(d.dir)
}
