package job

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"rollcall/pipeline/roster"
	"rollcall/tenant"
	"rollcall/tenant/connect"
)

// uncalled is a tenant that no call may be made to.
type uncalled struct{ t *testing.T }

func (u uncalled) Run(context.Context, tenant.Cmdlet) ([]tenant.Object, error) {
	u.t.Error("the tenant was called")
	return nil, errors.New("called")
}

// An inspection says what the job would do and leaves nothing behind: no call, no
// results, no lock.
func TestInspect(t *testing.T) {
	o := optOut(t, newLedger(0), 7)
	o.Open = func(connect.Settings, connect.Options) (*connect.Tenant, error) {
		return &connect.Tenant{Runner: uncalled{t}, Name: "uncalled", Real: true}, nil
	}
	o.Settings = connect.Settings{Tenant: connect.Exchange, Organization: "contoso.com"}
	got, err := o.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Kind != "apply" || got.Change != "PrivacyMode=opt-out" || got.Noun != DefaultNoun || got.Roster.Users != 7 || got.Tenant != "uncalled" || !got.Real || got.Unnamed || len(got.RosterSHA256) != 64 {
		t.Errorf("it found %+v", got)
	}
	for _, dir := range []string{o.LockDir, filepath.Dir(o.Results)} {
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%s has %v, %v", dir, entries, err)
		}
	}

	o.Roster += ".gone"
	if _, err := o.Inspect(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a roster: %v", err)
	}
	o.Roster, o.Workers = filepath.Join(t.TempDir(), "bad.csv"), 4
	os.WriteFile(o.Roster, []byte("a,b\n1,2\n"), 0o600)
	if _, err := o.Inspect(t.Context()); err == nil {
		t.Error("a roster without users was good enough")
	} else if _, ok := errors.AsType[*roster.Error](err); !ok {
		t.Errorf("%T: %v", err, err)
	}
}
