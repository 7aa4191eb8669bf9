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

// errInterrupted is the cause when an interrupt ends a context.
var errInterrupted = errors.New("interrupted")

// stopTimeout is the default time for finishing after the first interrupt. It is a
// little shorter than the time that most service managers, such as systemd, wait
// before they kill a process.
const stopTimeout = time.Minute

// interrupts are the signals that end a run. The first is a soft stop: work in progress
// may be finished within a time. The second, or the end of that time, is a hard stop.
type interrupts struct {
	within time.Duration   // time for finishing after the first
	ctx    context.Context // ended by the hard stop
	stop   chan struct{}   // closed by the first
	again  chan struct{}   // closed by the second
	cancel context.CancelCauseFunc
	code   atomic.Int32                  // exit status after the first, 0 before it
	softly atomic.Pointer[func() string] // returns the message for the first, or nil
	until  atomic.Pointer[time.Time]     // end of the time for finishing; nil before the first
	in     chan os.Signal
	over   chan struct{} // closed by end
	gone   chan struct{} // closed when listen has returned
}

// watch starts to catch interrupts: the first two no longer end the process. After the
// first, work in progress may be finished for as long as within.
func watch(c *report.Console, within time.Duration) *interrupts {
	i := newInterrupts(within)
	signal.Notify(i.in, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup has it ignored
		signal.Notify(i.in, syscall.SIGHUP)
	}
	go i.listen(c)
	return i
}

func newInterrupts(within time.Duration) *interrupts {
	i := &interrupts{within: within, stop: make(chan struct{}), again: make(chan struct{}), in: make(chan os.Signal, 2), over: make(chan struct{}), gone: make(chan struct{})}
	i.ctx, i.cancel = context.WithCancelCause(context.Background())
	return i
}

// listen handles interrupts until the second one or until end.
func (i *interrupts) listen(c *report.Console) {
	defer close(i.gone)
	var late <-chan time.Time // nil before the first
	for {
		select {
		case <-i.over:
			return
		case s := <-i.in:
			if i.code.Load() != 0 {
				signal.Stop(i.in) // a third one ends the process
				close(i.again)
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
				c.Say("stopping at once: %s have passed since the interrupt", seconds(i.within))
			}
			i.cancel(errInterrupted)
		}
	}
}

// deadline returns the time of the hard stop. Call it only after the first interrupt.
func (i *interrupts) deadline() time.Time { return *i.until.Load() }

// atMost returns the time for finishing after the first interrupt, as text.
func (i *interrupts) atMost() string { return seconds(i.within) + " at most" }

// seconds returns d as text: in seconds, such as 60s and not 1m0s, unless it is long.
func seconds(d time.Duration) string {
	if d%time.Second == 0 && d < 10*time.Minute {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return d.String()
}

// first returns a context that ends with the first interrupt, for work that need not be
// finished.
func (i *interrupts) first() (context.Context, context.CancelFunc) { return endingWith(i.ctx, i.stop) }

// next returns a context that ends with ctx or with the next interrupt, be that the first
// or the second. After the second it ends with ctx alone.
func (i *interrupts) next(ctx context.Context) (context.Context, context.CancelFunc) {
	for _, interrupt := range []<-chan struct{}{i.stop, i.again} {
		select {
		case <-interrupt: // it has been
		default:
			return endingWith(ctx, interrupt)
		}
	}
	return context.WithCancel(ctx)
}

// endingWith returns a context that ends with parent or when interrupt is closed.
func endingWith(parent context.Context, interrupt <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	stop := make(chan struct{})
	go func() {
		select {
		case <-interrupt:
			cancel(errInterrupted)
		case <-stop:
		}
	}()
	return ctx, sync.OnceFunc(func() { close(stop); cancel(nil) })
}

// says sets the message for the first interrupt: softly returns it when that comes.
func (i *interrupts) says(softly func() string) { i.softly.Store(&softly) }

// saysNothing makes the next interrupt silent: what it ends says so itself.
func (i *interrupts) saysNothing() { i.softly.Store(nil) }

// alsoSays makes the first interrupt call f before its message, until end is called.
func (i *interrupts) alsoSays(f func()) (end func()) {
	softly := i.softly.Load()
	if softly == nil {
		return func() {}
	}
	i.says(func() string { f(); return (*softly)() })
	return func() { i.softly.Store(softly) }
}

// end stops the handling of interrupts, which are still caught: the process is about to
// exit with a status of its own, and an interrupt must not change that status.
func (i *interrupts) end() {
	close(i.over)
	<-i.gone
	i.cancel(nil)
}

// status returns the exit status after an interrupt, or 0 if there was none.
func (i *interrupts) status() int { return int(i.code.Load()) }
