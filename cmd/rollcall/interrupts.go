package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"rollcall/report"
)

// errInterrupted is the cause of a context that an interrupt ended.
var errInterrupted = errors.New("interrupted")

// stopTimeout is how long what a first interrupt lets go on may take, unless the
// command line says otherwise. Those who stop services (systemd, for one) mostly
// wait a little longer than that before they kill.
const stopTimeout = time.Minute

// interrupts are the signals that end a run: the first softly, the second at
// once, as does the end of the time that the first one gives.
type interrupts struct {
	within time.Duration   // what the first gives
	ctx    context.Context // ends with the second
	stop   chan struct{}   // closed by the first
	cancel context.CancelCauseFunc
	code   atomic.Int32                  // exit status for the first, 0 if there was none
	softly atomic.Pointer[func() string] // what the first does, or nil
	until  atomic.Pointer[time.Time]     // when the time is over that the first gave, once it came
	in     chan os.Signal
	over   chan struct{} // closed by end
	gone   chan struct{} // closed when listen is over
}

// watch begins to watch for interrupts: the first two no longer end the process.
// The first gives what it lets go on as long as within.
func watch(c *report.Console, within time.Duration) *interrupts {
	i := newInterrupts(within)
	signal.Notify(i.in, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // or nohup would be for nothing
		signal.Notify(i.in, syscall.SIGHUP)
	}
	go i.listen(c)
	return i
}

func newInterrupts(within time.Duration) *interrupts {
	i := &interrupts{within: within, stop: make(chan struct{}), in: make(chan os.Signal, 2), over: make(chan struct{}), gone: make(chan struct{})}
	i.ctx, i.cancel = context.WithCancelCause(context.Background())
	return i
}

// listen does what interrupts call for, until the second or end.
func (i *interrupts) listen(c *report.Console) {
	defer close(i.gone)
	var late <-chan time.Time // nil ahead of the first
	for {
		select {
		case <-i.over:
			return
		case s := <-i.in:
			if i.code.Load() != 0 {
				signal.Stop(i.in) // a third one ends the process
				i.cancel(errInterrupted)
				return
			}
			status := int32(exitInterrupted)
			if s != os.Interrupt {
				status = exitTerminated
			}
			until := time.Now().Add(i.within)
			i.until.Store(&until)
			i.code.Store(status)
			if softly := i.softly.Load(); softly != nil {
				c.Break()
				c.Say("%s; interrupt again to stop at once", (*softly)())
			}
			close(i.stop)
			timer := time.NewTimer(i.within)
			defer timer.Stop()
			late = timer.C
		case <-late:
			if i.within > 0 && i.softly.Load() != nil {
				c.Break()
				c.Say("time is up after %s: stopping at once", seconds(i.within))
			}
			i.cancel(errInterrupted)
		}
	}
}

// deadline returns when what a first interrupt lets go on is stopped at once. It is for
// after that has come.
func (i *interrupts) deadline() time.Time { return *i.until.Load() }

// atMost says how long what a first interrupt lets go on may take.
func (i *interrupts) atMost() string { return seconds(i.within) + " at most" }

// seconds returns d as people say it: 60s and not 1m0s.
func seconds(d time.Duration) string {
	if d%time.Second == 0 && d < 10*time.Minute {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return d.String()
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

// says has the first interrupt say what it does.
func (i *interrupts) says(softly func() string) { i.softly.Store(&softly) }

// alsoSays has the first interrupt call f ahead of what it says, until end is called.
func (i *interrupts) alsoSays(f func()) (end func()) {
	softly := i.softly.Load()
	if softly == nil {
		return func() {}
	}
	i.says(func() string { f(); return (*softly)() })
	return func() { i.softly.Store(softly) }
}

// end has interrupts do nothing: the process is about to exit, with the status of
// what it did. An interrupt that is not caught would end it with the system's.
func (i *interrupts) end() {
	close(i.over)
	<-i.gone
	i.cancel(nil)
}

// status returns the exit status that an interrupt calls for, or 0.
func (i *interrupts) status() int { return int(i.code.Load()) }
