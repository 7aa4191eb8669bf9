package fleet

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"
)

const good = `
name: nightly-privacy
run: audit
parallel: 20
takeover: 30s
flags: {privacy-mode: opt-out, set: [A=1, B=2], max-errors: 1%}
tenants:
  - {name: contoso, profile: contoso, roster: rosters/contoso.csv}
  - {name: fabrikam, roster: /srv/fabrikam.csv, flags: {rate: 20, max-errors: 5%}}
`

// noFiles reads none.
func noFiles(string) ([]byte, error) { return nil, fs.ErrNotExist }

// A file says what it says; rosters are named from where it is, and a tenant's own
// flags come ahead of the fleet's.
func TestParse(t *testing.T) {
	f, err := Parse("dir/fleet.yaml", []byte(good), noFiles)
	if err != nil {
		t.Fatal(err)
	}
	if f.Name != "nightly-privacy" || f.Run != "audit" || f.Parallel != 20 || f.Takeover != 30*time.Second || len(f.Tenants) != 2 {
		t.Errorf("it is %+v", f)
	}
	contoso, fabrikam := f.Tenants[0], f.Tenants[1]
	if contoso.Name != "contoso" || contoso.Profile != "contoso" || contoso.Roster != "dir/rosters/contoso.csv" || fabrikam.Roster != "/srv/fabrikam.csv" {
		t.Errorf("the tenants are %+v", f.Tenants)
	}
	if got := show(f.FlagsOf(contoso)); got != "privacy-mode=[opt-out] set=[A=1 B=2] max-errors=[1%]" {
		t.Errorf("contoso has %s", got)
	}
	if got := show(f.FlagsOf(fabrikam)); got != "rate=[20] max-errors=[5%] privacy-mode=[opt-out] set=[A=1 B=2]" {
		t.Errorf("fabrikam has %s", got)
	}
}

func show(flags []Flag) string {
	var words []string
	for _, f := range flags {
		words = append(words, fmt.Sprintf("%s=%v", f.Name, f.Values))
	}
	return strings.Join(words, " ")
}

// Tenants can be in a CSV file, whose other columns are flags; an empty cell says
// nothing.
func TestTenantsFrom(t *testing.T) {
	read := func(name string) ([]byte, error) {
		if name != "dir/tenants.csv" {
			return nil, fs.ErrNotExist
		}
		return []byte("\ufeffName,Roster,Profile,rate\r\ncontoso,contoso.csv,,20\r\nfabrikam,fabrikam.csv,fab,\r\n"), nil
	}
	f, err := Parse("dir/fleet.yaml", []byte("name: n\nrun: apply\ntenants-from: tenants.csv\n"), read)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Tenants) != 2 || show(f.Tenants[0].Flags) != "rate=[20]" || f.Tenants[1].Flags != nil || f.Tenants[1].Profile != "fab" || f.Tenants[1].Roster != "dir/fabrikam.csv" {
		t.Errorf("the tenants are %+v", f.Tenants)
	}
	if f.Parallel != defaultParallel || f.Takeover != defaultTakeover {
		t.Errorf("the defaults are %+v", f)
	}
}

// Everything that is wrong with a file is named at once, each with its place.
func TestFaults(t *testing.T) {
	tenant := "tenants: [{name: a, roster: a.csv}]\n"
	for _, test := range []struct {
		text string
		want []string
	}{
		{"", []string{"it is empty"}},
		{"name: [", []string{"yaml:"}},
		{"- name", []string{"want a fleet file to be keys and values"}},
		{"name: n\nrun: apply\n" + tenant + "---\nname: m\n", []string{"second document"}},
		{"name: n\nrun: apply\n" + tenant + "paralel: 3\ntakeover: 1s\nparallel: 0\n", []string{`line 4: unknown key "paralel": did you mean parallel?`, `line 5: takeover "1s"`, `line 6: parallel "0"`}},
		{"name: n\nname: m\nrun: aply\n" + tenant, []string{"line 2: name is there twice", `run "aply"`}},
		{"run: apply\n" + tenant, []string{"no name"}},
		{"name: a.b\nrun: apply\n" + tenant, []string{`name "a.b"`}},
		{"name: n\nrun: apply\n", []string{"no tenants"}},
		{"name: n\nrun: apply\ntenants: []\n", []string{"no tenants"}},
		{"name: n\nrun: apply\ntenants-from: t.csv\n" + tenant, []string{"tenants-from dir/t.csv", "want one of them"}},
		{"name: n\nrun: apply\ntenants:\n- {name: a, roster: x.csv}\n- {name: A, roster: y.csv}\n- {roster: z.csv}\n- {name: 'a b'}\n- {name: all, roster: '-'}\n- {name: NUL, roster: x.csv}\n",
			[]string{`line 5: tenant "A": there is one of that name, dir/f.yaml: line 4`, "line 6: a tenant without a name", `line 7: name "a b"`, `line 7: tenant "a b": no roster`, `line 8: name "all"`, "roster -", "Windows"}},
		{"name: n\nrun: apply\nflags: {rate: , set: [], x: {a: b}, y: 1, y: 2}\n" + tenant, []string{"flag rate: want a value", "flag set: want a value", "flag x: want a value", "flag y is there twice"}},
		{"name: n\nrun: apply\nclient-secret: s\nflags: {token: x, secret-file: ok.txt, endpoint: 'https://u:p@host', x: eyJhbGciOiJIUzI1NiJ9.eyJ4IjoxfQ.x}\n" + tenant,
			[]string{"line 3: \"client-secret\": credentials", "flag token: credentials", "flag endpoint: credentials", "flag x: credentials"}},
	} {
		_, err := Parse("dir/f.yaml", []byte(test.text), noFiles)
		faults, ok := errors.AsType[FaultsError](err)
		if !ok {
			t.Errorf("%q: %v, want faults", test.text, err)
			continue
		}
		for _, want := range test.want {
			if !slices.ContainsFunc(faults, func(f Fault) bool { return strings.Contains(f.Error(), want) }) {
				t.Errorf("%q: %v, want %q", test.text, faults, want)
			}
		}
		if len(faults) != len(test.want) {
			t.Errorf("%q: %d faults, want %d: %v", test.text, len(faults), len(test.want), faults)
		}
	}
}

// Whatever the text, there is a File without a fault that could be run as far as
// this package knows, or there are faults.
func FuzzParse(f *testing.F) {
	f.Add(good, "Name,Roster\na,b.csv\n")
	f.Add("name: n\nrun: undo\ntenants-from: t.csv\n", "Name,Roster,rate\na,b.csv,3\nb,c.csv,\n")
	f.Add("a: &a [*a]\n", "")
	f.Add("name: &n x\nrun: *n\ntenants: [*n, {name: *n, flags: {<<: *n}}]\n", "x")
	f.Fuzz(func(t *testing.T, text, tenants string) {
		file, err := Parse("dir/fleet.yaml", []byte(text), func(string) ([]byte, error) { return []byte(tenants), nil })
		if err != nil {
			if faults, ok := errors.AsType[FaultsError](err); !ok || len(faults) == 0 {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		if checkName(file.Name) != nil || !slices.Contains(runs, file.Run) || file.Parallel < 1 || file.Takeover < minTakeover || len(file.Tenants) == 0 {
			t.Fatalf("no fault in %+v", file)
		}
		names := make(map[string]bool)
		for _, tenant := range file.Tenants {
			key := strings.ToLower(tenant.Name)
			if checkName(tenant.Name) != nil || names[key] || tenant.Roster == "" || tenant.Roster == "-" {
				t.Fatalf("no fault in %+v", tenant)
			}
			names[key] = true
			for _, flag := range file.FlagsOf(tenant) {
				if len(flag.Values) == 0 || isCredential(flag.Name) || slices.ContainsFunc(flag.Values, looksSecret) {
					t.Fatalf("no fault in %+v", flag)
				}
			}
		}
	})
}
