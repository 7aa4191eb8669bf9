//go:build !unix

package main

// whenAsked does nothing: there is no signal to ask by.
func whenAsked(func()) (end func()) { return func() {} }
