package queue

import "context"

// A View is what is in the queue, kept up to date until Close.
type View struct{}

// Watch returns a View.
func (q *Queue) Watch(ctx context.Context) (*View, error) { return nil, errSkeleton }

// Changed returns a channel that has something when the view has changed.
func (v *View) Changed() <-chan struct{} { return nil }

// State returns how far a fleet is, or nil if there is none.
func (v *View) State(id string) *FleetState { return nil }

// Close ends the view.
func (v *View) Close() {}
