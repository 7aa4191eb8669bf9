package lock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// There is one lock for each tenant and noun, whatever their case, in the machine's
// directory: no temporary directory of an account or a session changes that.
func TestTenant(t *testing.T) {
	machine, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"TMPDIR", "TMP", "TEMP", "HOME", "LOCALAPPDATA"} {
		t.Setenv(name, t.TempDir())
	}
	path := func(dir, tenant, noun string) string {
		t.Helper()
		f, err := Tenant(dir, tenant, noun)
		if err != nil {
			t.Fatal(err)
		}
		if !f.Shared || f.What != strings.TrimSpace(noun+" of the tenant "+tenant) {
			t.Errorf("Tenant(%q, %q): %+v", tenant, noun, f)
		}
		return f.Path
	}
	contoso := path("", "contoso", "CASMailbox")
	if filepath.Dir(contoso) != machine {
		t.Errorf("it is %s, want it in %s", contoso, machine)
	}
	if got := path("", "Contoso", "casmailbox"); got != contoso {
		t.Errorf("in another case it is %s, want %s", got, contoso)
	}
	for _, other := range []string{path("", "fabrikam", "CASMailbox"), path("", "contoso", "Mailbox"), path("", "contosoc", "ASMailbox"), path("", "contoso", "")} {
		if other == contoso {
			t.Errorf("two tenants or nouns share %s", other)
		}
	}
	dir := t.TempDir()
	if got, want := path(dir, "contoso", "CASMailbox"), filepath.Join(dir, filepath.Base(contoso)); got != want {
		t.Errorf("in %s it is %s, want %s", dir, got, want)
	}
}

// The machine's directory is one that every account may write to, and where nobody
// removes another's file.
func TestDir(t *testing.T) {
	dir, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode() != fs.ModeDir|fs.ModeSticky|0o777 {
		t.Errorf("%s is %v", dir, info.Mode())
	}
}

// Where no lock file can be made the error says which, and is one to act on.
func TestAccessError(t *testing.T) {
	f, err := Tenant(filepath.Join(t.TempDir(), "vanished"), "contoso", "CASMailbox")
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Acquire(t.Context(), "apply", 0)
	e, ok := errors.AsType[*AccessError](err)
	if !ok || !e.Shared || e.Mode != 0 || e.Path != f.Path || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Acquire: %v, want an AccessError", err)
	}
	if err == nil || !strings.HasPrefix(err.Error(), "lock CASMailbox of the tenant contoso: open "+f.Path+": ") {
		t.Errorf("Acquire: %v", err)
	}
}
