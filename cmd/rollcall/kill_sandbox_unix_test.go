//go:build unix

package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/tenant"
	"rollcall/tenant/sandbox"
)

// Whenever a run on a tenant in a file is killed, each row that is recorded as
// applied is so in the tenant; and the run that resumes it leaves the tenant's
// file with everything, and nothing beside it.
func TestKilledWithTenantInFile(t *testing.T) {
	t.Parallel()
	const users = 3000
	dir := t.TempDir()
	program, in := filepath.Join(dir, "rollcall"), filepath.Join(dir, "users.csv")
	buildProgram(t, program)
	writeRoster(t, in, users)
	file, results := tenantFile(t, users), filepath.Join(dir, "results.csv")
	apply := func(args ...string) *exec.Cmd {
		args = append([]string{"apply", in, "--privacy-mode", "opt-out", "--tenant", "sandbox:" + file, "--resume", "-o", results, "--quiet"}, args...)
		return exec.Command(program, args...)
	}
	for _, records := range []int{1, 300, 301, 900} {
		killAt(t, apply("--rate", "2000"), results, records)
		checkInTenant(t, file, results, records)

		// Whoever only looks changes nothing.
		before := contents(t, file)
		rollcall(t, exitDiffers, "audit", in, "--privacy-mode", "opt-out", "--tenant", "sandbox:"+file, "--quiet")
		rollcall(t, exitOK, "get", "user0000000@contoso.onmicrosoft.com", "--tenant", "sandbox:"+file)
		if after := contents(t, file); !slices.Equal(after, before) {
			t.Error("an audit and a get changed the tenant's files")
		}
	}

	if out, err := apply().CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	checkInTenant(t, file, results, users)
	b, err := os.ReadFile(file)
	if err != nil || bytes.Count(b, []byte(",opt-out,false,false,false\n")) != users {
		t.Errorf("the file has %d users set, %v", bytes.Count(b, []byte(",opt-out,false,false,false\n")), err)
	}
	if left := contents(t, file); len(left) != 1 {
		t.Errorf("there are %d files, want the tenant's only", len(left))
	}
}

// What a sandbox server has answered survives its being killed.
func TestServerKilled(t *testing.T) {
	const users = 100
	dir := t.TempDir()
	program, in := filepath.Join(dir, "rollcall"), filepath.Join(dir, "users.csv")
	buildProgram(t, program)
	writeRoster(t, in, users)
	file, results := tenantFile(t, users), filepath.Join(dir, "results.csv")
	t.Setenv(tokenVariable, "token-8d2f")
	endpoint, server, _ := launchServer(t, program, file)
	rollcall(t, exitOK, "apply", in, "--noun", "CASMailbox", "--set", "PopEnabled=false", "-o", results, "--yes", "--quiet",
		"--tenant", "exchange", "--endpoint", endpoint, "--organization", organization)
	server.Process.Kill()
	server.Wait()
	rollcall(t, exitOK, "audit", in, "--noun", "CASMailbox", "--set", "PopEnabled=false", "--quiet", "--tenant", "sandbox:"+file)

	// The next one puts it into the file.
	_, stop := startServer(t, program, file)
	stop()
	b, err := os.ReadFile(file)
	if err != nil || bytes.Count(b, []byte(",false\n")) != users {
		t.Errorf("the file has %d users set, %v", bytes.Count(b, []byte(",false\n")), err)
	}
	if left := contents(t, file); len(left) != 1 {
		t.Errorf("there are %d files, want the tenant's only", len(left))
	}
}

// The results never replace what a tenant's file has beside it.
func TestResultsAreNotTheLog(t *testing.T) {
	file := tenantFile(t, 1)
	in := filepath.Join(t.TempDir(), "users.csv")
	writeRoster(t, in, 1)
	log := sandbox.LogName(file)
	if err := os.WriteFile(log, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.csv")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, link} {
		_, said := rollcall(t, exitUsage, "apply", in, "--privacy-mode", "opt-out", "--tenant", "sandbox:"+name, "-o", log, "--overwrite")
		if !strings.Contains(said, "the results would replace the file with the changes of the tenant") {
			t.Errorf("said %s", said)
		}
	}
	if b, _ := os.ReadFile(log); string(b) != "torn" {
		t.Errorf("the log has %q", b)
	}
}

// tenantFile makes a tenant's file of the users of writeRoster, in a directory
// of its own.
func tenantFile(t *testing.T, users int) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("UserPrincipalName\n")
	for i := range users {
		fmt.Fprintf(&b, "user%07d@contoso.onmicrosoft.com\n", i)
	}
	name := filepath.Join(t.TempDir(), "tenant.csv")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// contents returns what is in the files of the directory that name is in.
func contents(t *testing.T, name string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(filepath.Dir(name), "*"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, name+": "+string(b))
	}
	return all
}

// killAt starts cmd and kills it once the results have so many records.
func killAt(t *testing.T, cmd *exec.Cmd, results string, records int) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			t.Fatalf("ended before it was killed: %v\n%s", err, said.String())
		case <-look.C:
		}
		if b, _ := os.ReadFile(results); bytes.Count(b, []byte("\n")) > records {
			cmd.Process.Kill()
			<-ended
			return
		}
	}
}

// checkInTenant checks that the results have so many records at least, and that
// each that is applied is so in the tenant.
func checkInTenant(t *testing.T, file, results string, records int) {
	t.Helper()
	b, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b[:bytes.LastIndexByte(b, '\n')+1])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	tn, err := sandbox.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	applied, missing := 0, 0
	for _, row := range rows[1:] {
		if row[2] != "applied" {
			continue
		}
		applied++
		o, err := tn.Run(t.Context(), tenant.Cmdlet{Name: "Get-MyAnalyticsFeatureConfig", Identity: row[1]})
		if err != nil || o[0]["PrivacyMode"] != "opt-out" {
			missing++
		}
	}
	if applied < records || missing > 0 {
		t.Fatalf("%d rows are applied, of which the tenant does not have %d; want %d rows or more", applied, missing, records)
	}
}
