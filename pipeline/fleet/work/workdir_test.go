package work

import (
	"os"
	"path/filepath"
	"testing"
)

// A Worker removes what those that were killed have left in its directory, rosters and
// results, and leaves alone what one has that is alive, and what is not a Worker's.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "work")
	alive, err := createWorkDir(t.Context(), dir, "alive")
	check(t, err)
	dead, err := createWorkDir(t.Context(), dir, "dead")
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dead.dir, "t0.csv"), []byte("x"), 0o600))
	dead.held.Release()
	mine := filepath.Join(dir, "mine")
	check(t, os.Mkdir(mine, 0o700))

	next, err := createWorkDir(t.Context(), dir, "next")
	check(t, err)
	for name, there := range map[string]bool{alive.dir: true, dead.dir: false, mine: true, next.dir: true} {
		info, err := os.Stat(name)
		if (err == nil) != there {
			t.Errorf("%s: %v, want it there: %v", name, err, there)
		}
		if err == nil && info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	next.remove()
	if _, err := os.Stat(next.dir); err == nil {
		t.Errorf("%s is there", next.dir)
	}
}
