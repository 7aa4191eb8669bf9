package main

import (
	"os"
	"path/filepath"
	"runtime"
)

// stateDir returns the directory for data that a run keeps for the next one, or "" if
// this account has none.
func stateDir() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if runtime.GOOS == "windows" {
		dir = os.Getenv("LOCALAPPDATA")
	}
	if !filepath.IsAbs(dir) && runtime.GOOS != "windows" {
		if home, err := os.UserHomeDir(); err == nil {
			dir = filepath.Join(home, ".local", "state")
		}
	}
	if !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Join(dir, "rollcall")
}
