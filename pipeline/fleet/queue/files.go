package queue

import (
	"context"
	"errors"
	"io"
)

// ErrNoFile is the cause of the error of a file that is not in the store.
var ErrNoFile = errors.New("no such file in the store")

// Put stores what r has as the file called name, in place of what it was.
func (q *Queue) Put(ctx context.Context, name string, r io.Reader) error { return errSkeleton }

// Get writes the file called name to w. It is an error if what is stored is not what
// was put; w may have a part of it by then.
func (q *Queue) Get(ctx context.Context, name string, w io.Writer) error { return errSkeleton }

// Has reports whether there is a file called name.
func (q *Queue) Has(ctx context.Context, name string) (bool, error) { return false, errSkeleton }

// Delete removes the file called name, if there is one.
func (q *Queue) Delete(ctx context.Context, name string) error { return errSkeleton }

// RosterName is what a roster, or a file that stands beside it, is called in the store.
func RosterName(sha256 string) string { return "rosters/" + sha256 }

// ResultName is what a file of the results of a tenant is called in the store; suffix
// is .csv, .csv.json or .csv.journal.
func ResultName(fleet, tenant, suffix string) string {
	return "results/" + fleet + "/" + tenant + suffix
}
