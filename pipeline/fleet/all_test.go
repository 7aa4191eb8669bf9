package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/pipeline/results"
)

// All results are one CSV: the tenant first, each column once, cells where they
// belong, and no record that was cut short.
func TestWriteAll(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.csv": "Row,UPN,Tenant\n2,ada@a.com,x\n3,\"bob\n@a.com\",y\n",
		"b.csv": "\ufeffRow,UPN,City,City\r\n2,cyd@b.com,Paris,Rome\r\n3,dan@b.com,Li",
		"c.csv": "",
		"d.csv": "Row,UPN\n2,eve@d.com\n3,\"fay\nand so on\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tenant := func(name, state string) TenantRecord {
		return TenantRecord{Name: name, Results: name + ".csv", Outcome: Outcome{State: state}}
	}
	tenants := []TenantRecord{tenant("a", results.Complete), tenant("b", results.Interrupted), tenant("c", results.Errored), tenant("none", Waiting), tenant("d", results.Errored)}
	var b strings.Builder
	if err := WriteAll(&b, dir, tenants, false); err != nil {
		t.Fatal(err)
	}
	const want = "Tenant,Row,UPN,Input.Tenant,City,City.2\n" +
		"a,2,ada@a.com,x,,\na,3,\"bob\n@a.com\",y,,\nb,2,cyd@b.com,,Paris,Rome\nd,2,eve@d.com,,,\n"
	if b.String() != want {
		t.Errorf("it is\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := WriteAll(&b, dir, tenants[:1], true); err != nil || !strings.HasPrefix(b.String(), "\ufeffTenant,Row,UPN,Input.Tenant\r\n") {
		t.Errorf("for Excel it is %q, %v", b.String(), err)
	}
	tenants[4].State = results.Complete
	if err := WriteAll(&b, dir, tenants, false); err == nil {
		t.Error("results that are complete, and damaged, were taken as they are")
	}
}
