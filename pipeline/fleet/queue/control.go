package queue

import "context"

// Control changes what people want of a fleet.
func (q *Queue) Control(ctx context.Context, id string, change func(*Control)) error {
	return errSkeleton
}

// Cancel cancels tenants of a fleet, or all: those at work are stopped softly, and
// those that wait end with outcome.
func (q *Queue) Cancel(ctx context.Context, id string, tenants []string, outcome any) error {
	return errSkeleton
}
