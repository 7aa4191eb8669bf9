package queue

import (
	"context"
	"fmt"
)

// A BrokenError says why a server takes and gives nothing until it is started again, as
// when its disk was full. What it acknowledged is on the disk.
type BrokenError struct {
	Dir string // of the store
	Err error
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("the store %s can't be written any more: %v", e.Dir, e.Err)
}

func (e *BrokenError) Unwrap() error { return e.Err }

// broken returns a BrokenError if the server is.
func (s *Server) broken() error {
	if err := s.log.failure(); err != nil {
		return &BrokenError{s.o.Dir, err}
	}
	return nil
}

// WhileWorking returns a context that ends, with a BrokenError as its cause, when the
// server can't go on. Cancel ends it as well, and has to be called.
func (s *Server) WhileWorking(ctx context.Context) (working context.Context, cancel context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.log.working, func() { end(s.broken()) })
	return ctx, func() { stop(); end(nil) }
}
