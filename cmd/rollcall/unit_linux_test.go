package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rollcall/pipeline/lock"
	"rollcall/tenant/connect"
)

// A unit is the settings of a systemd service.
type unit map[string][]string

// readUnit returns the service of help, with other paths.
func readUnit(t *testing.T, paths *strings.Replacer) unit {
	t.Helper()
	_, text, _ := strings.Cut(block(t, "OnCalendar="), "[Service]\n")
	text, _, _ = strings.Cut(text, "# /etc/systemd/system/")
	u := make(unit)
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(paths.Replace(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			u[key] = append(u[key], value)
		}
	}
	return u
}

// confined is a shell script that runs "$@" in a directory, $1, as systemd does
// under ProtectSystem=strict: all is read-only but /dev, /proc, /sys and the
// directories in $WRITABLE.
const confined = `set -e
mount --make-rprivate /
for d in $WRITABLE; do mount --bind "$d" "$d"; done
cut -d' ' -f5 /proc/self/mountinfo | while read -r m; do
	for d in $WRITABLE /dev /proc /sys; do
		case $m/ in "$d"/*) continue 2;; esac
	done
	mount -o remount,bind,ro "$m" 2>/dev/null || test "$m" != /
done
cd "$1"
shift
exec "$@"
`

// run runs the service once, with its files read-only as systemd makes them.
func (u unit) run(t *testing.T, state string, env ...string) (status int, said string) {
	t.Helper()
	if len(u["ProtectSystem"]) != 1 || u["ProtectSystem"][0] != "strict" || u["PrivateTmp"] != nil {
		t.Fatalf("the service has %v: this test knows ProtectSystem=strict only", u)
	}
	command := strings.ReplaceAll(strings.Join(u["ExecStart"], ""), "%%", "%")
	command, ok := strings.CutPrefix(strings.TrimSuffix(command, "'"), "/bin/sh -c '")
	if !ok {
		t.Fatalf("ExecStart=%s: want /bin/sh -c '...'", u["ExecStart"])
	}
	cmd := exec.Command("/bin/sh", "-c", confined, "confined", u["WorkingDirectory"][0], "/bin/sh", "-c", command)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "WRITABLE=" + state + " " + strings.Join(u["ReadWritePaths"], " ")}, env...)
	for _, e := range u["Environment"] {
		cmd.Env = append(cmd.Env, strings.Fields(e)...)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Skipf("no mount namespace to be had: %v", err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// The service of the README changes a real tenant, with no more to write to than it
// asks for, and takes the lock that every run of the machine does, whatever its TMPDIR.
func TestReadmeService(t *testing.T) {
	t.Parallel()
	// Not below /tmp, which the service may write to.
	dir, err := os.MkdirTemp("/opt", "rollcall-test-")
	if err != nil {
		t.Skipf("no directory outside of /tmp to be had: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program, state := filepath.Join(dir, "rollcall"), filepath.Join(dir, "state")
	buildProgram(t, program)
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	u := readUnit(t, strings.NewReplacer("/usr/local/bin/rollcall", program, "/etc/rollcall", dir, "/var/lib/rollcall", state))
	if got := u["StateDirectory"]; len(got) != 1 || got[0] != "rollcall" {
		t.Fatalf("StateDirectory=%s, want rollcall", got)
	}
	endpoint, _ := startServer(t, program)
	profile := fmt.Sprintf("profiles:\n  contoso:\n    tenant: exchange\n    organization: %s\n    endpoint: %s\n", organization, endpoint)
	for name, text := range map[string]string{"users.csv": "UPN\nada@contoso.com\n", "rollcall.yaml": profile} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := lock.Tenant("", (&connect.Settings{Tenant: "exchange", Organization: organization, Endpoint: endpoint}).LockKey(organization), "MyAnalyticsFeatureConfig")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(file.Path)
	held, err := file.Acquire(context.Background(), "a run of somebody else", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	secret := tokenVariable + "=token-8d2f"
	if status, said := u.run(t, state, secret, "TMPDIR="+state); status != exitHeld || !strings.Contains(said, "a run of somebody else") {
		t.Fatalf("while the tenant is locked: exit status %d, want %d\n%s", status, exitHeld, said)
	}
	held.Release()
	if status, said := u.run(t, state, secret); status != exitOK || said != "" {
		t.Fatalf("exit status %d\n%s", status, said)
	}
	results, err := filepath.Glob(filepath.Join(state, "results-*.csv"))
	if err != nil || len(results) != 1 {
		t.Fatalf("results %q, %v", results, err)
	}
	if b, err := os.ReadFile(results[0]); err != nil || !bytes.Contains(b, []byte(",ada@contoso.com,applied,")) {
		t.Errorf("the results are %s, %v", b, err)
	}

	// Where the machine's directory can't be written to the run says what to do.
	u["ReadWritePaths"] = nil
	os.Remove(results[0])
	os.Remove(file.Path)
	status, said := u.run(t, state, secret)
	if status != exitError || !strings.Contains(said, "read-only file system\n") ||
		!strings.Contains(said, "hint: every account that changes this tenant needs write access to "+filepath.Dir(file.Path)+", or to another --lock-dir DIR ") {
		t.Errorf("exit status %d\n%s", status, said)
	}
}
