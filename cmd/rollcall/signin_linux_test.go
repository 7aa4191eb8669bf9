package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The first interrupt ends a sign-in: nobody types the code any more.
func TestInterruptEndsSignIn(t *testing.T) {
	dir := t.TempDir()
	program, ca, users := filepath.Join(dir, "rollcall"), filepath.Join(dir, "ca.pem"), filepath.Join(dir, "users.csv")
	buildProgram(t, program)
	writeRoster(t, users, 1)
	server := exec.Command(program, "sandbox", "serve", "--tls", "--ca", ca, "--device-polls", "1000000", "--quiet")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Process.Kill()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address = strings.TrimSpace(address)

	for _, command := range [][]string{{"apply", users}, {"set", "ada@contoso.com"}, {"doctor"}} {
		cmd := exec.Command(program, append(command, "--tenant", "exchange", "--endpoint", address, "--organization", organization, "--auth", "device-code")...)
		if command[0] != "doctor" {
			cmd.Args = append(cmd.Args, "--privacy-mode", "opt-out", "--yes")
		}
		cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+ca, "AZURE_AUTHORITY_HOST="+address)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines, asked := bufio.NewScanner(stderr), false
		for lines.Scan() {
			if !asked && strings.Contains(lines.Text(), "enter the code") {
				asked = true
				cmd.Process.Signal(os.Interrupt)
			}
		}
		cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); !asked || got != exitInterrupted {
			t.Errorf("%s: asked to sign in: %t; exit status %d, want %d", command[0], asked, got, exitInterrupted)
		}
	}
}
