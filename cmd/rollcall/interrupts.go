package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	"rollcall/report"
)

// errInterrupted is the cause of a context that an interrupt ended.
var errInterrupted = errors.New("interrupted")

// interrupts are the signals that end a run: the first softly, the second at
// once.
type interrupts struct {
	ctx    context.Context // ends with the second
	stop   chan struct{}   // closed by the first
	cancel context.CancelCauseFunc
	code   atomic.Int32                  // exit status for the first, 0 if there was none
	softly atomic.Pointer[func() string] // what the first does, or nil
	in     chan os.Signal
	gone   chan struct{}
}

// watch begins to watch for interrupts: the first two no longer end the process.
func watch(c *report.Console) *interrupts {
	i := &interrupts{stop: make(chan struct{}), in: make(chan os.Signal, 2), gone: make(chan struct{})}
	i.ctx, i.cancel = context.WithCancelCause(context.Background())
	signal.Notify(i.in, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // or nohup would be for nothing
		signal.Notify(i.in, syscall.SIGHUP)
	}
	go func() {
		defer close(i.gone)
		for s := range i.in {
			if i.code.Load() != 0 {
				signal.Stop(i.in) // a third one ends the process
				i.cancel(errInterrupted)
				return
			}
			status := int32(exitInterrupted)
			if s != os.Interrupt {
				status = exitTerminated
			}
			i.code.Store(status)
			if softly := i.softly.Load(); softly != nil {
				c.Break()
				c.Say("%s; interrupt again to stop at once", (*softly)())
			}
			close(i.stop)
		}
	}()
	return i
}

// first returns a context that ends with the first interrupt, for what is not
// worth finishing.
func (i *interrupts) first() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(i.ctx)
	stop := make(chan struct{})
	go func() {
		select {
		case <-i.stop:
			cancel(errInterrupted)
		case <-stop:
		}
	}()
	return ctx, sync.OnceFunc(func() { close(stop); cancel(nil) })
}

// await calls wait, which nothing else can end, and returns its error, or
// errInterrupted if an interrupt comes first. Then wait is left to itself.
func (i *interrupts) await(wait func() error) error {
	done := make(chan error, 1)
	go func() { done <- wait() }()
	select {
	case err := <-done:
		return err
	case <-i.stop:
		return errInterrupted
	}
}

// says has the first interrupt say what it does.
func (i *interrupts) says(softly func() string) { i.softly.Store(&softly) }

// end stops watching.
func (i *interrupts) end() {
	signal.Stop(i.in)
	close(i.in)
	<-i.gone
	i.cancel(nil)
}

// status returns the exit status that an interrupt calls for, or 0.
func (i *interrupts) status() int { return int(i.code.Load()) }
