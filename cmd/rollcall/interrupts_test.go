package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// What is not worth finishing ends with the first interrupt, and nothing is left
// of it when it has ended by itself.
func TestFirstInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &interrupts{ctx: t.Context(), stop: make(chan struct{})}
		ctx, cancel := i.first()
		done, end := i.first()
		end()
		end()
		if done.Err() == nil {
			t.Error("a context goes on that was ended")
		}
		if ctx.Err() != nil {
			t.Fatal("ended ahead of an interrupt")
		}
		close(i.stop)
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), errInterrupted) {
			t.Errorf("ended by %v", context.Cause(ctx))
		}
		cancel()
	})
}
