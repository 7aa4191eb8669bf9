package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Terminated at random instants, as by taskkill /F, and resumed until it is done, a
// run has every row once and in order, set, with the value from before the first
// set; undone in the same way, nobody is left changed.
func TestTerminatedAndUndone(t *testing.T) {
	const users, kills = 150, 6
	program, err := exec.LookPath("rollcall")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in, tenant := filepath.Join(dir, "users.csv"), filepath.Join(dir, "tenant.csv")
	var before bytes.Buffer
	before.WriteString("UserPrincipalName,PrivacyMode,IsDashboardEnabled,IsAddInEnabled,IsDigestEmailEnabled\n")
	for i := range users {
		before.WriteString("user" + strconv.Itoa(i) + "@contoso.com,opt-in,true,true," + strconv.FormatBool(i%3 == 0) + "\n")
	}
	for _, name := range []string{in, tenant} {
		if err := os.WriteFile(name, before.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	finish := func(args ...string) {
		t.Helper()
		args = append(args, "--tenant", "sandbox:"+tenant, "--resume", "--quiet", "--rate", "300")
		for n := 0; ; n++ {
			cmd := exec.Command(program, args...)
			var said bytes.Buffer
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if n < kills {
				time.AfterFunc(time.Duration(rnd.IntN(1500))*time.Millisecond, func() { cmd.Process.Kill() })
			}
			if err := cmd.Wait(); err == nil {
				return
			}
			if n >= kills {
				t.Fatalf("%q: %v\n%s", args, cmd.ProcessState, said.String())
			}
		}
	}

	results, undone := filepath.Join(dir, "r.csv"), filepath.Join(dir, "u.csv")
	finish("apply", in, "--privacy-mode", "opt-out", "--read-first", "-o", results)
	b, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	records := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(records) != users+1 {
		t.Fatalf("%d records, want %d and a header", len(records), users)
	}
	for i, r := range records[1:] {
		want := strconv.Itoa(i+2) + ",user" + strconv.Itoa(i) + "@contoso.com,applied,opt-out,opt-out,opt-in,false,true,false,true,false," + strconv.FormatBool(i%3 == 0) + ","
		if !strings.HasPrefix(r, want) {
			t.Errorf("record %d is %s, want %s", i, r, want)
		}
	}
	finish("undo", results, "-o", undone)
	if b, err := os.ReadFile(tenant); err != nil || !bytes.Equal(b, before.Bytes()) {
		t.Errorf("undone, the tenant is %s, %v", b, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.journal")); left != nil {
		t.Errorf("there still are %v", left)
	}
}
