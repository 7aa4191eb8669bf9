//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A reader is somebody who copies lines of the README to a shell, in a directory with
// testdata, with rollcall on the PATH.
type reader struct {
	t   *testing.T
	dir string
	env []string
}

func newReader(t *testing.T) *reader {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	for _, d := range []string{bin, filepath.Join(dir, "testdata")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	buildProgram(t, filepath.Join(bin, "rollcall"))
	r := &reader{t: t, dir: dir, env: append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+dir, "XDG_STATE_HOME="+dir, lockDirVariable+"="+dir)}
	users, err := os.ReadFile("../../testdata/users.csv")
	if err != nil {
		t.Fatal(err)
	}
	r.write("testdata/users.csv", string(users))
	return r
}

func (r *reader) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// types runs text in a shell, and returns what it says and its exit status.
func (r *reader) types(shell, text string) (out string, status int) {
	r.t.Helper()
	cmd := exec.Command(shell, "-c", text)
	cmd.Dir, cmd.Env = r.dir, r.env
	b, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

// The session of the README is what one sees.
func TestReadmeSession(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	_, text, ok := strings.Cut(block(t, "$ make build"), "export PATH=$PWD/bin:$PATH\n")
	if !ok {
		t.Fatal("the session does not begin with the build")
	}
	n := 0
	for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
		line, want, _ := strings.Cut(part+"\n", "\n")
		if got, _ := r.types("/bin/sh", line); strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("$ %s\n%s\nand the README has\n%s", line, got, want)
		}
		n++
	}
	if n < 3 {
		t.Errorf("the session has %d lines", n)
	}
}

// The lines for a real tenant, in the README and in help setup, do what they say on a
// server that speaks as it does.
func TestReadmeRealTenant(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		marker string
		status []int
	}{
		{"rollcall check users.csv", []int{exitOK, exitOK, exitDiffers, exitOK, exitOK}},
		{"head -6 users.csv", []int{exitOK, exitOK, exitDiffers, exitOK, exitOK, exitOK}},
	} {
		r := newReader(t)
		endpoint, _ := startServer(t, filepath.Join(r.dir, "bin", "rollcall"))
		r.write("rollcall.yaml", "profiles:\n  contoso:\n    tenant: exchange\n    organization: "+organization+"\n    endpoint: "+endpoint+"\n")
		r.write("users.csv", "UserPrincipalName\nada@contoso.com\nbob@contoso.com\ncyd@contoso.com\n")
		r.env = append(r.env, "ROLLCALL_CONFIG=rollcall.yaml", tokenVariable+"=token-8d2f", "ROLLCALL_YES=true") // no terminal to be asked on
		lines := strings.Split(continued.ReplaceAllString(block(t, test.marker), " "), "\n")
		if len(lines) != len(test.status) {
			t.Fatalf("%d lines, want %d: %q", len(lines), len(test.status), lines)
		}
		for i, line := range lines {
			if out, status := r.types("/bin/sh", line); status != test.status[i] {
				t.Errorf("%s: exit status %d, want %d\n%s", line, status, test.status[i], out)
			}
		}
	}
}

// The lines that try it all on one machine do that.
func TestReadmeServedSandbox(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash, whose %1 the lines have")
	}
	r := newReader(t)
	text := strings.ReplaceAll(block(t, "sandbox serve --listen"), "127.0.0.1:8365", freeAddress(t))
	out, status := r.types(bash, "set -m\n"+text+"\nwait")
	if status != 0 || !strings.Contains(out, "3 applied") {
		t.Errorf("exit status %d\n%s", status, out)
	}
}
