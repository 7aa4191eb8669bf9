//go:build !windows

package disk

import "os"

// isBusy reports whether err may pass: a file that is open is no obstacle.
func isBusy(error) bool { return false }

// CanReplace returns nil: what stands in the way of a [Rename] is the directory.
func CanReplace(string) error { return nil }

func explain(_, _ string, err error) error { return err }

// SyncDir makes a change of names in the directory called dir last.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
