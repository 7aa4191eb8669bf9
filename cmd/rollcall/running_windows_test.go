package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"

	"golang.org/x/sys/windows"
)

// A running is a program that can be interrupted as from its console, where
// Ctrl-C is typed. It has one of its own, with nobody else but a [terminal] on it.
type running struct {
	cmd  *exec.Cmd
	keys io.WriteCloser
}

// startRunning starts cmd.
func startRunning(cmd *exec.Cmd) (*running, error) {
	program, err := exec.LookPath("terminal")
	if err != nil {
		return nil, err
	}
	cmd.Args = append([]string{program, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = program
	keys, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &running{cmd, keys}, cmd.Start()
}

func (r *running) interrupt() error {
	_, err := io.WriteString(r.keys, "c")
	return err
}

func (r *running) kill() { r.keys.Close() }

// terminal runs a program on a new console, types Ctrl-C there for each byte that
// it reads, and kills it at the end of them.
var terminal = func() {
	kernel := windows.NewLazySystemDLL("kernel32.dll")
	kernel.NewProc("FreeConsole").Call()
	if ok, _, err := kernel.NewProc("AllocConsole").Call(); ok == 0 {
		fmt.Fprintln(os.Stderr, "terminal:", err)
		os.Exit(1)
	}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // which reach us too
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "terminal:", err)
		os.Exit(1)
	}
	go func() {
		for keys := bufio.NewReader(os.Stdin); ; {
			if _, err := keys.ReadByte(); err != nil {
				cmd.Process.Kill()
				return
			}
			windows.GenerateConsoleCtrlEvent(windows.CTRL_C_EVENT, 0)
		}
	}()
	cmd.Wait()
	os.Exit(cmd.ProcessState.ExitCode())
}

// noFile matches what the system says of a file that is not there.
func noFile() string {
	return "(" + regexp.QuoteMeta(windows.ERROR_FILE_NOT_FOUND.Error()) + "|" + regexp.QuoteMeta(windows.ERROR_PATH_NOT_FOUND.Error()) + ")"
}
