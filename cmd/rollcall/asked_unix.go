//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// whenAsked calls f for each SIGUSR1, which asks for the progress of the run, until
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
		// A signal that comes after the end must not kill the process.
		signal.Ignore(syscall.SIGUSR1)
		close(in)
		<-gone
	}
}
