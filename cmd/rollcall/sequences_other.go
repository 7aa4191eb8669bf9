//go:build !windows

package main

// takesSequences reports whether a stream is a terminal that understands escape
// sequences for colors and cursor movement.
func takesSequences(stream any) bool { return isTerminal(stream) }
