//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// whenAsked calls f whenever somebody asks by SIGUSR1 where the run stands, until
// end is called.
func whenAsked(f func()) (end func()) {
	in, gone := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(in, syscall.SIGUSR1)
	go func() {
		defer close(gone)
		for range in {
			f()
		}
	}()
	return func() {
		// One that comes after the end must not kill us.
		signal.Ignore(syscall.SIGUSR1)
		close(in)
		<-gone
	}
}
