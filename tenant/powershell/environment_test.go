package powershell

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// values returns the environment of a stand-in, which is what it says of its start.
func values(started string) map[string]string {
	env := make(map[string]string)
	for _, line := range strings.Split(started, "\n") {
		if name, value, ok := strings.Cut(line, "="); ok {
			env[name] = value
		}
	}
	return env
}

// A process has what PowerShell needs of our environment, none of our secrets, and
// nothing that it does not need. Its temporary files are in a folder of its own,
// which is gone when it is: by itself, killed, or not even well begun.
func TestEnvironment(t *testing.T) {
	secrets := []string{"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "ROLLCALL_ACCESS_TOKEN", "ROLLCALL_PING", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "IDENTITY_HEADER"}
	for _, name := range secrets {
		t.Setenv(name, "hunter2")
	}
	t.Setenv("HTTPS_PROXY", "http://proxy.contoso.com:3128")
	t.Setenv("DISPLAY", ":0")
	for _, user := range []string{"ada", "dies", "hangs"} {
		for _, method := range []string{AccessToken, DeviceCode} {
			s := newStage(t)
			tn := open(t, func(c *Config) { c.SignIn.Method = method })
			done := make(chan struct{})
			s.setHook(func(e event) {
				if e.name == "hanging" {
					go tn.Close()
				}
			})
			go func() {
				defer close(done)
				_, _ = tn.Run(t.Context(), get(user+"@contoso.com"))
			}()
			<-done
			env := values(s.texts("start")[0])
			for _, name := range secrets {
				if env[name] != "" {
					t.Errorf("the environment has %s", name)
				}
			}
			if env["PATH"] != os.Getenv("PATH") || env["HTTPS_PROXY"] != os.Getenv("HTTPS_PROXY") || env["NO_COLOR"] != "1" {
				t.Errorf("the environment lacks what is needed: %v", env)
			}
			if byHand := method == DeviceCode; (env["DISPLAY"] != "") != byHand {
				t.Errorf("%s: DISPLAY is %q", method, env["DISPLAY"])
			}
			folder := env["TMPDIR"]
			if runtime.GOOS == "windows" {
				folder = env["TEMP"]
			}
			if !strings.Contains(filepath.Base(folder), "rollcall-pwsh-") {
				t.Errorf("temporary files go to %q", folder)
			}
			tn.Close()
			if _, err := os.Stat(folder); !os.IsNotExist(err) {
				t.Errorf("%s, %s: the folder is still there: %v", user, method, err)
			}
		}
	}
}

// What a service account lacks a process has in its own folder, and no more than
// that; the user's modules are found where they are.
func TestServiceAccount(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("homes are of another kind on Windows")
	}
	if os.Getuid() == 0 {
		t.Log("as root every folder can be written to: what can't be is missing here")
	}
	good, missing := t.TempDir(), "/dev/null/home"
	t.Setenv("PSModulePath", "")
	for _, test := range []struct {
		home, data string
		want       func(folder string) map[string]string
	}{
		{good, "", func(string) map[string]string { return map[string]string{"HOME": good} }},
		{good, missing, func(folder string) map[string]string {
			return map[string]string{"HOME": good, "XDG_DATA_HOME": filepath.Join(folder, ".local", "share"), "PSModulePath": missing + "/powershell/Modules"}
		}},
		{missing, "", func(folder string) map[string]string { return map[string]string{"HOME": folder} }},
	} {
		t.Setenv("HOME", test.home)
		t.Setenv("XDG_DATA_HOME", test.data)
		t.Setenv("XDG_CACHE_HOME", "")
		t.Setenv("XDG_CONFIG_HOME", "")
		folder := t.TempDir()
		env := values(strings.Join((&Tenant{}).environ(folder), "\n"))
		want := test.want(folder)
		for _, name := range []string{"HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "PSModulePath"} {
			if env[name] != want[name] && (name != "XDG_DATA_HOME" || want[name] != "" || env[name] != test.data) {
				t.Errorf("HOME=%s XDG_DATA_HOME=%s: %s is %q, want %q", test.home, test.data, name, env[name], want[name])
			}
		}
	}
}

// Where there is no folder to write to, the error says which were tried and what to
// set.
func TestNoFolder(t *testing.T) {
	state := t.TempDir()
	for _, name := range []string{"TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "LocalAppData", "STATE_DIRECTORY"} {
		t.Setenv(name, "/dev/null/"+name)
	}
	_, err := makeFolder()
	setup, ok := err.(*SetupError)
	if !ok || !strings.Contains(setup.Hint, "set TMPDIR") || !strings.Contains(err.Error(), "/dev/null/STATE_DIRECTORY: ") {
		t.Errorf("error %v", err)
	}
	t.Setenv("STATE_DIRECTORY", state+":/var/lib/other")
	folder, err := makeFolder()
	if err != nil || filepath.Dir(folder.path) != state {
		t.Fatalf("folder %+v, error %v, want one in %s", folder, err, state)
	}
	folder.remove()
}

// What is left of a rollcall that was killed is removed, and nothing of one that
// runs, nor what is only called alike.
func TestSweepFolders(t *testing.T) {
	place := t.TempDir()
	for _, name := range []string{"TMPDIR", "TEMP", "TMP"} {
		t.Setenv(name, place)
	}
	left, err := makeFolder()
	if err != nil {
		t.Fatal(err)
	}
	used, err := makeFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer used.remove()
	young, other := filepath.Join(place, folderPrefix+"young"), filepath.Join(place, "other")
	for _, dir := range []string{young, other, filepath.Join(left.path, "tmpEXO_1")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(other, filepath.Join(place, folderPrefix+"link")); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * folderAge)
	for _, dir := range []string{left.path, used.path, other} {
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
	left.unlock() // as the end of a process does
	sweepFolders()
	for dir, want := range map[string]bool{left.path: false, used.path: true, young: true, other: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: %v, want it kept: %v", filepath.Base(dir), err, want)
		}
	}
}

// Of what a process wrote ahead of its end, the first lines are shown as well as
// the last.
func TestTail(t *testing.T) {
	var tail tail
	for _, line := range []string{"Process terminated. Couldn't find a valid ICU package", "", "   at System.A()", "   at System.B()", "#< CLIXML", "   at System.C()"} {
		tail.add([]byte(line))
	}
	if got := strings.Split(tail.String(), "\n"); len(got) != 4 || !strings.HasPrefix(got[0], "Process terminated") {
		t.Errorf("tail %q", got)
	}
	for range 100 {
		tail.add([]byte("   at System.D()"))
	}
	tail.add([]byte("Aborted"))
	got := strings.Split(tail.String(), "\n")
	if len(got) != 9 || !strings.HasPrefix(got[0], "Process terminated") || got[4] != "[...]" || got[8] != "Aborted" {
		t.Errorf("tail %q", got)
	}
	if !slices.Contains(got, "at System.C()") {
		t.Errorf("tail %q", got)
	}
}
