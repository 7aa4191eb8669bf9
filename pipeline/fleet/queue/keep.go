package queue

import (
	"context"
	"errors"
)

// Remove removes a fleet that has ended, with its files, logs and outcomes.
func (q *Queue) Remove(ctx context.Context, id string) error { return errSkeleton }

// clean removes the fleets that ended longer ago than they are kept, until ctx ends.
func (s *Server) clean(ctx context.Context) {}

var errSkeleton = errors.New("not done yet")
