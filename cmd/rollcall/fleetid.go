package main

import (
	"context"
	"time"

	"rollcall/pipeline/fleet/queue"
)

// submitAnew submits a fleet with a new ID, or with another if somebody else takes that
// at the same time.
func submitAnew(ctx context.Context, q *queue.Queue, f *queue.Fleet, jobs []queue.Job) (err error) {
	const tries = 20
	for range tries {
		if f.ID, err = q.NewID(ctx, f.Name, time.Now()); err != nil {
			return err
		}
		for i := range jobs {
			jobs[i].Fleet = f.ID
		}
		if err = q.Submit(ctx, *f, jobs); !queue.IsTaken(err) {
			return err
		}
	}
	return err
}
