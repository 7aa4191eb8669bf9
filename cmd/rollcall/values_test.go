package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/tenant"
	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// aProperty is a property of a mailbox, as a tenant may show it, and cells that
// may be wanted of it.
type aProperty struct {
	name  string
	shows []any // what a user may have: nil, a bool, a string or a []string
	cells []string
}

// Whatever text stands in a cell, in whatever text the tenant has.
var texts = []string{"x", "12E5", "1.10", "007", "98765432109876543210", "Null", "null", "TRUE", "True", "no", "yes", "0", "42", "=HQ", "+33 1", "-5", "@home",
	"'quoted'", "'TRUE", "'$null", `a "b", c`, "a;b", "[a;b]", `["a"]`, `+["a"]`, "é ü", "名前", " padded ", "McDonald", "mcdonald", "365", "7/10/2026 08:00:00", "two\nlines", "\\@x", "opt-in"}

var properties = []aProperty{
	{"CustomAttribute1", append([]any{nil}, anys(texts)...), append([]string{"$null", "", ""}, texts...)},
	{"HiddenFromAddressListsEnabled", []any{true, false}, []string{"true", "FALSE", "$true", "0", "1", "yes", "No", ""}},
	{"EmailAddresses", []any{[]string{}, []string{"SMTP:a@contoso.com"}, []string{"SMTP:a@contoso.com", "smtp:b@contoso.com"}, []string{"TRUE", "[x]"}},
		[]string{"[SMTP:c@contoso.com;smtp:a@contoso.com]", `["a;b"]`, "[TRUE]", "[]", "$null", ""}},
}

func anys(list []string) []any {
	all := make([]any, len(list))
	for i, text := range list {
		all[i] = text
	}
	return all
}

// What stands in a cell arrives: applied with the values before on record, an audit
// finds it the same; and undone, each user has what they had, byte for byte. So it
// is with each kind of value over HTTP, alone and in batches, and on a file.
func TestValuesArriveAndGoBack(t *testing.T) {
	for _, form := range []string{"exchange", "batch", "file"} {
		t.Run(form, func(t *testing.T) {
			for seed := range uint64(4) {
				testValues(t, form, rand.New(rand.NewPCG(seed, 15)))
			}
		})
	}
}

func testValues(t *testing.T, form string, rnd *rand.Rand) {
	const users = 60
	dir := t.TempDir()
	in, results := filepath.Join(dir, "users.csv"), filepath.Join(dir, "results.csv")
	file := filepath.Join(dir, "tenant.csv")

	// The tenant.
	held := sandbox.New()
	if form == "file" {
		writeRoster(t, file, users)
		var err error
		if held, err = sandbox.Load(file); err != nil {
			t.Fatal(err)
		}
	}
	for i := range users {
		var ps []tenant.Parameter
		for _, p := range properties {
			ps = append(ps, tenant.Parameter{Name: p.name, Value: p.shows[rnd.IntN(len(p.shows))]})
		}
		if _, err := held.Run(t.Context(), tenant.Cmdlet{Name: "Set-Mailbox", Parameters: ps}.For(upn(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := held.Save(); err != nil {
		t.Fatal(err)
	}
	show := func() map[string]tenant.Object {
		now := held
		if form == "file" {
			var err error
			if now, err = sandbox.Load(file); err != nil {
				t.Fatal(err)
			}
		}
		all := make(map[string]tenant.Object)
		for i := range users {
			objects, err := now.Run(t.Context(), tenant.Cmdlet{Name: "Get-Mailbox"}.For(upn(i)))
			if err != nil {
				t.Fatal(err)
			}
			all[upn(i)] = objects[0]
		}
		return all
	}
	args := []string{"--tenant", "sandbox:" + file}
	if form != "file" {
		srv := httptest.NewServer(&server.Server{Tenant: held})
		t.Cleanup(srv.Close)
		t.Setenv(tokenVariable, "token-8d2f")
		args = []string{"--tenant", "exchange", "--endpoint", srv.URL, "--organization", organization}
	}
	if form == "batch" {
		args = append(args, "--batch", "5")
	}

	// What is wanted.
	rows := [][]string{{"UserPrincipalName"}}
	change := []string{"--noun", "Mailbox", "--match-case"}
	for _, p := range properties {
		rows[0] = append(rows[0], "Want."+p.name)
		change = append(change, "--set", p.name+"=@Want."+p.name)
	}
	for i := range users {
		row := []string{upn(i)}
		for _, p := range properties {
			row = append(row, p.cells[rnd.IntN(len(p.cells))])
		}
		if !slices.ContainsFunc(row[1:], func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			row[1] = "filled"
		}
		rows = append(rows, row)
	}
	writeCSV(t, in, ',', rows)
	command := func(more ...string) []string { return slices.Concat(more, args) }

	was := show()
	apply := append(command("apply", in, "-o", results, "--read-first", "--yes"), change...)
	rollcall(t, exitOK, apply...)
	for i := range users {
		checkArrived(t, rows[i+1], show()[upn(i)])
	}
	rollcall(t, exitOK, append(command("audit", in), change...)...) // all the same
	undo := command("undo", results, "-o", filepath.Join(dir, "undone.csv"), "--yes", "--noun", "Mailbox")
	if rnd.IntN(2) == 0 {
		rollcall(t, exitOK, undo...)
	} else {
		saveAsExcelDoes(t, results)
		rollcall(t, exitRows, undo...) // for the summary does not fit such a file
	}
	for upn, is := range show() {
		for _, p := range properties {
			if !reflect.DeepEqual(is[p.name], was[upn][p.name]) && !(nothing(is[p.name]) && nothing(was[upn][p.name])) {
				t.Errorf("%s has %s = %#v after undo, and had %#v", upn, p.name, is[p.name], was[upn][p.name])
			}
		}
	}
}

// Over HTTP, alone and in batches, a list is added to, taken from and put back; what
// goes out is the module's form of that, and no list.
func TestListsOverHTTP(t *testing.T) {
	for _, batch := range []string{"1", "3"} {
		held := sandbox.New()
		var mu sync.Mutex
		var bodies strings.Builder
		sandboxed := &server.Server{Tenant: held}
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			mu.Lock()
			bodies.Write(b)
			mu.Unlock()
			r.Body = io.NopCloser(bytes.NewReader(b))
			sandboxed.ServeHTTP(w, r)
		}))
		t.Cleanup(srv.Close)
		t.Setenv(tokenVariable, "token-8d2f")
		dir := t.TempDir()
		in, results := filepath.Join(dir, "users.csv"), filepath.Join(dir, "results.csv")
		const users = 9
		writeRoster(t, in, users)
		for i := range users {
			set := tenant.Cmdlet{Name: "Set-Mailbox", Parameters: []tenant.Parameter{{Name: "EmailAddresses", Value: []string{"SMTP:a@b.com", "smtp:c@d.com"}[:1+i%2]}}}
			if _, err := held.Run(t.Context(), set.For(upn(i))); err != nil {
				t.Fatal(err)
			}
		}
		addresses := func(i int) string {
			objects, err := held.Run(t.Context(), tenant.Cmdlet{Name: "Get-Mailbox"}.For(upn(i)))
			if err != nil {
				t.Fatal(err)
			}
			return tenant.Text(objects[0]["EmailAddresses"])
		}
		args := []string{"--tenant", "exchange", "--endpoint", srv.URL, "--organization", organization, "--batch", batch, "--yes"}
		rollcall(t, exitOK, append([]string{"apply", in, "-o", results, "--read-first", "--noun", "Mailbox", "--set", "EmailAddresses+=[smtp:e@f.com;smtp:c@d.com]"}, args...)...)
		if want := `"EmailAddresses":{"@odata.type":"#Exchange.GenericHashTable","Add":["smtp:e@f.com","smtp:c@d.com"]}`; strings.Count(bodies.String(), want) != users {
			t.Errorf("batch %s: what went out has no %s for each user:\n%.2000s", batch, want, bodies.String())
		}
		for i := range users {
			if got := addresses(i); !strings.HasPrefix(got, `["SMTP:a@b.com",`) || strings.Count(got, "@") != 3 {
				t.Errorf("batch %s: user %d has %s", batch, i, got)
			}
		}
		rollcall(t, exitOK, append([]string{"undo", results, "-o", filepath.Join(dir, "undone.csv")}, args...)...)
		for i := range users {
			if got, want := addresses(i), []string{`["SMTP:a@b.com"]`, `["SMTP:a@b.com","smtp:c@d.com"]`}[i%2]; got != want {
				t.Errorf("batch %s: undone, user %d has %s, want %s", batch, i, got, want)
			}
		}
	}
}

func nothing(v any) bool { return v == nil || reflect.DeepEqual(v, []any{}) }

// checkArrived compares what a user has with the cells of the row that was applied.
func checkArrived(t *testing.T, row []string, o tenant.Object) {
	t.Helper()
	for i, p := range properties {
		cell, is := row[i+1], o[p.name]
		switch word := strings.ToLower(strings.TrimSpace(cell)); {
		case word == "":
		case word == "$null":
			if !nothing(is) {
				t.Errorf("%s: %s was cleared, and is %#v", row[0], p.name, is)
			}
		case p.name == "CustomAttribute1":
			if text := tenant.Text(is); text != cell && !strings.EqualFold(strings.TrimPrefix(word, "$"), text) && !strings.HasPrefix(cell, "[") {
				t.Errorf("%s: the cell has %q, the tenant %#v", row[0], cell, is)
			}
		case p.name == "HiddenFromAddressListsEnabled":
			if want := slices.Contains([]string{"true", "$true", "1", "yes"}, word); is != want {
				t.Errorf("%s: the cell has %q, the tenant %#v", row[0], cell, is)
			}
		}
	}
}

func upn(i int) string { return fmt.Sprintf("user%07d@contoso.onmicrosoft.com", i) }

func writeCSV(t *testing.T, name string, comma rune, rows [][]string) {
	t.Helper()
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = comma
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// saveAsExcelDoes saves a CSV file as a German or a French Excel does.
func saveAsExcelDoes(t *testing.T, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	writeCSV(t, name, ';', rows)
}
