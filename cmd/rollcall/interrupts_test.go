package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/report"
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

// What the first interrupt lets go on ends with the second or, if there is none,
// when the time is over that was said.
func TestInterruptTime(t *testing.T) {
	for _, test := range []struct {
		name           string
		within, second time.Duration
		ends           time.Duration // after the first
		over           bool          // it says that the time is
	}{
		{"time over", time.Minute, time.Hour, time.Minute, true},
		{"second interrupt", time.Minute, 59 * time.Second, 59 * time.Second, false},
		{"at once", 0, time.Hour, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var said bytes.Buffer
				i := newInterrupts(test.within)
				i.says(func() string { return "finishing, " + i.atMost() })
				go i.listen(report.NewConsole(&said))
				time.Sleep(time.Hour) // none of it counts
				if i.ctx.Err() != nil {
					t.Fatal("it ended ahead of an interrupt")
				}
				start := time.Now()
				i.in <- syscall.SIGTERM
				second := time.AfterFunc(test.second, func() { i.in <- os.Interrupt })
				<-i.ctx.Done()
				if took := time.Since(start); took != test.ends {
					t.Errorf("it ended after %v, want %v", took, test.ends)
				}
				second.Stop()
				i.end()
				if !errors.Is(context.Cause(i.ctx), errInterrupted) || i.status() != exitTerminated {
					t.Errorf("ended by %v with status %d", context.Cause(i.ctx), i.status())
				}
				if !strings.Contains(said.String(), "finishing, "+seconds(test.within)+" at most; interrupt again") {
					t.Errorf("said %q", &said)
				}
				if over := strings.Contains(said.String(), "stopping at once: 60s have passed since the interrupt"); over != test.over {
					t.Errorf("said %q, want that the time is over: %v", &said, test.over)
				}
			})
		})
	}
}

// An interrupt that comes between the end of a command and that of the process does
// not change the exit status.
func TestInterruptBehindEnd(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot interrupt itself alone")
	}
	i := watch(report.NewConsole(io.Discard), time.Minute)
	defer signal.Stop(i.in)
	i.end()
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(os.Interrupt)
	}
	if err != nil {
		t.Fatal(err)
	}
	<-i.in
	if status := i.status(); status != 0 {
		t.Errorf("it calls for exit status %d", status)
	}
}
