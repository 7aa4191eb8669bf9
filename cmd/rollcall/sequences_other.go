//go:build !windows

package main

// takesSequences reports whether a stream is a terminal that can be told colors and
// where to write.
func takesSequences(stream any) bool { return isTerminal(stream) }
