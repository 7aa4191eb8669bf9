package sandbox

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"rollcall/tenant"
)

// A file that was edited since is not guessed at: before the first Set, before
// Save, and when it is loaded.
func TestEditedByHand(t *testing.T) {
	edited := strings.Replace(people, "007", "008", 1)
	tn, name := load(t, people)
	put(t, name, edited)
	_, err := tn.Run(t.Context(), cmdlet("Set-Mailbox ada@contoso.com Office=9"))
	if e, ok := errors.AsType[*tenant.Error](err); !ok || e.Class != tenant.Failed || !strings.Contains(err.Error(), name+" was changed by another process since it was loaded") {
		t.Errorf("Set: %v", err)
	}
	if got := run(t, tn, "Get-Mailbox ada@contoso.com")[0]["Office"]; got != "007" {
		t.Errorf("a Set that failed made Office %v", got)
	}
	if files := snapshot(t, name); len(files) != 1 {
		t.Errorf("a Set that failed left %q", files)
	}
	put(t, name, people) // the same again, only later
	run(t, tn, "Set-Mailbox ada@contoso.com Office=9")

	put(t, name, edited)
	if err := tn.Save(); err == nil || !strings.Contains(err.Error(), "was changed by another process since it was loaded") {
		t.Errorf("Save: %v", err)
	}
	before := snapshot(t, name)
	_, err = Load(name)
	if want := "load " + name + ": " + name + " was edited or replaced after the changes in " + LogName(name) +
		" were made: put it back as it was, or remove " + LogName(name) + ", and its changes (1) are lost"; err == nil || err.Error() != want {
		t.Errorf("Load: %v, want %s", err, want)
	}
	if after := snapshot(t, name); !maps.Equal(before, after) || after[filepath.Base(name)] != edited {
		t.Errorf("Load and Save left %q", after)
	}

	put(t, name, people)
	if got := run(t, reload(t, name), "Get-Mailbox ada@contoso.com")[0]["Office"]; got != "9" {
		t.Errorf("Office = %v when the file was put back", got)
	}
	put(t, name, edited)
	os.Remove(LogName(name))
	if got := run(t, reload(t, name), "Get-Mailbox ada@contoso.com")[0]["Office"]; got != "008" {
		t.Errorf("Office = %v when the log was removed", got)
	}
}

// What has the name of the log and was not there when the file was loaded, or is
// not a regular file, is not written to.
func TestLogIsNotOurs(t *testing.T) {
	const line = "Set-Mailbox ada@contoso.com Office=9"
	fails := func(tn *Tenant, want string) {
		t.Helper()
		if _, err := tn.Run(t.Context(), cmdlet(line)); !errors.Is(err, tenant.Failed) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
		if got := run(t, tn, "Get-Mailbox ada@contoso.com")[0]["Office"]; got != "007" {
			t.Errorf("a Set that failed made Office %v", got)
		}
	}

	tn, name := load(t, people)
	put(t, LogName(name), "")
	fails(tn, LogName(name)+" was written by another process")
	if got := get(t, LogName(name)); got != "" {
		t.Errorf("wrote %q", got)
	}

	// Two that were loaded at one time: the second to write fails, and so does
	// its Save, whichever of them it is.
	tn, name = load(t, people)
	other := reload(t, name)
	run(t, other, "Set-Mailbox bob@contoso.com Office=9")
	fails(tn, "was written by another process")
	save(t, other, name)
	fails(tn, "was changed by another process")
	run(t, other, "Set-Mailbox bob@contoso.com Office=10")
	tn, other = reload(t, name), reload(t, name)
	run(t, other, "Set-Mailbox bob@contoso.com Office=11")
	fails(tn, "was written by another process")
	if err := tn.Save(); err == nil {
		t.Error("Save put an end to a log that it has not read")
	}
	run(t, other, "Set-Mailbox bob@contoso.com Office=12")
	os.Remove(LogName(name))
	if _, err := other.Run(t.Context(), cmdlet("Set-Mailbox bob@contoso.com Office=13")); err == nil || !strings.Contains(err.Error(), "was removed by another process") {
		t.Errorf("Set without its log: %v", err)
	}

	tn, name = load(t, people)
	target := filepath.Join(t.TempDir(), "precious")
	put(t, target, "precious")
	for _, to := range []string{target, target + ".none"} {
		if err := os.Symlink(to, LogName(name)); err != nil {
			t.Skip(err)
		}
		if info, err := os.Lstat(LogName(name)); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Skip("a symbolic link is none here, as under Wine")
		}
		fails(tn, LogName(name)+" is not a regular file: remove it")
		if _, err := Load(name); err == nil || err.Error() != "load "+name+": "+LogName(name)+" is not a regular file: remove it" {
			t.Errorf("Load with a link in place of the log: %v", err)
		}
		os.Remove(LogName(name))
	}
	// A link to a log is no log, either.
	run(t, tn, line)
	if err := os.Rename(LogName(name), target); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, LogName(name)); err != nil {
		t.Fatal(err)
	}
	before := get(t, target)
	if err := tn.Save(); err == nil {
		t.Error("Save wrote through a link")
	}
	if after := get(t, target); after != before {
		t.Errorf("wrote %q", after[len(before):])
	}
	if _, err := os.Stat(target + ".none"); err == nil {
		t.Error("a file was made through a link")
	}
}

// A Set that can't be kept fails and changes nothing; the next one may succeed,
// and does away with what was written of the one that failed.
func TestLogWriteFails(t *testing.T) {
	tn, name := load(t, people)
	run(t, tn, "Set-Mailbox ada@contoso.com Office=1")
	f := tn.users.(*file)
	f.log.out.Close()
	_, err := tn.Run(t.Context(), cmdlet("Set-Mailbox ada@contoso.com Office=2"))
	if !errors.Is(err, tenant.Failed) || !errors.Is(err, os.ErrClosed) || !strings.HasPrefix(err.Error(), "Set-Mailbox ada@contoso.com: write "+LogName(name)+": ") {
		t.Errorf("Set: %v", err)
	}
	if got := run(t, tn, "Get-Mailbox ada@contoso.com")[0]["Office"]; got != "1" {
		t.Errorf("a Set that failed made Office %v", got)
	}

	// As if half of it had been written.
	torn := get(t, LogName(name)) + strings.Repeat("half a line ", 100)
	put(t, LogName(name), torn)
	f.log.length = int64(len(torn))
	run(t, tn, "Set-Mailbox ada@contoso.com Office=3")
	if got, want := shown(t, reload(t, name)), shown(t, tn); !reflect.DeepEqual(got, want) {
		t.Errorf("found\n%v, want\n%v", got, want)
	}
	if log := get(t, LogName(name)); strings.Count(log, "\n") != 3 || !strings.HasSuffix(log, "\n") {
		t.Errorf("log %q", log)
	}
}

// The log is there from the first change on, one write a change, with the mode
// of the file; a Set that changes nothing or is refused leaves nothing.
func TestLogFile(t *testing.T) {
	_, name := load(t, people)
	if err := os.Chmod(name, 0o666); err != nil { // more than any umask leaves
		t.Fatal(err)
	}
	tn := reload(t, name)
	run(t, tn, "Set-UserAnalyticsConfig ada@contoso.com PrivacyMode=opt-out") // as it is
	tn.Run(t.Context(), cmdlet("Set-UserAnalyticsConfig ada@contoso.com PrivacyMode=none"))
	tn.Run(t.Context(), cmdlet("Set-UserAnalyticsConfig eve@contoso.com PrivacyMode=opt-out"))
	if files := snapshot(t, name); len(files) != 1 {
		t.Errorf("left %q", files)
	}
	for i := range 3 {
		run(t, tn, "Set-Mailbox ada@contoso.com Office="+strings.Repeat("x", i+1))
		if got := strings.Count(get(t, LogName(name)), "\n"); got != i+2 {
			t.Errorf("%d lines after %d changes", got, i+1)
		}
	}
	info, err := os.Stat(LogName(name))
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode() != 0o666 {
		t.Errorf("mode %v", info.Mode())
	}
}
