package fleet

import (
	"io"
	"path/filepath"

	"rollcall/tenant/disk"
)

// What a results directory has of the fleet itself.
const (
	RecordName = "fleet.json" // a Record
	AllName    = "all.csv"    // see WriteAll
)

// WriteAll writes the results that dir has of the tenants into one file in it, for Excel
// if that is set.
func (r *Record) WriteAll(dir string, excel bool) error {
	return disk.ReplaceFile(filepath.Join(dir, AllName), 0o600, func(w io.Writer) error { return WriteAll(w, dir, r.Tenants, excel) })
}
