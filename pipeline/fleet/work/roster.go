package work

import (
	"path/filepath"

	"rollcall/pipeline/fleet/queue"
)

// RosterName returns the name of the roster of a job whose directory is dir, for Prepare.
func RosterName(dir string, j *queue.Job) string {
	return filepath.Join(dir, rosterDir, j.Files[0].Name)
}
