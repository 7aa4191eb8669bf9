//go:build unix

package main

import (
	"os"
	"os/exec"
)

// A running is a program that can be interrupted as from its terminal.
type running struct{ cmd *exec.Cmd }

// startRunning starts cmd.
func startRunning(cmd *exec.Cmd) (*running, error) { return &running{cmd}, cmd.Start() }

func (r *running) interrupt() error { return r.cmd.Process.Signal(os.Interrupt) }

func (r *running) kill() { r.cmd.Process.Kill() }

// terminal is nil: whoever starts a program can interrupt it.
var terminal func()

// noFile matches what the system says of a file that is not there.
func noFile() string { return "no such file or directory" }
