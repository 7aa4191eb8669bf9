package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// takesSequences reports whether a stream is a terminal that understands escape
// sequences for colors and cursor movement. The consoles of cmd.exe and of Windows
// PowerShell need a request to turn them on, which old ones refuse.
func takesSequences(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	console := windows.Handle(f.Fd())
	var mode uint32
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}
	const sequences = windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	return mode&sequences == sequences || windows.SetConsoleMode(console, mode|sequences) == nil
}
