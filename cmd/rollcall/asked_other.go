//go:build !unix

package main

// whenAsked does nothing: this system has no signal for it.
func whenAsked(func()) (end func()) { return func() {} }
