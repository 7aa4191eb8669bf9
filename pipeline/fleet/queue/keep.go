package queue

import "context"

// Remove removes a fleet that has ended, with its files, logs and outcomes.
func (q *Queue) Remove(ctx context.Context, id string) error { return errSkeleton }
