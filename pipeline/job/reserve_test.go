package job

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/tenant/connect"
)

// readHook calls a function when it is read, and is at its end.
type readHook func()

func (h readHook) Read([]byte) (int, error) { h(); return 0, io.EOF }

// However long a job reads its roster, the name that it found for its results is its own:
// a job that finds one meanwhile gets the next. What does not come to its first call
// leaves neither a file nor a lock.
func TestNamesOfResultsAreReserved(t *testing.T) {
	l, dir := newLedger(0), t.TempDir()
	var long strings.Builder
	long.WriteString("UserPrincipalName\n")
	for i := 0; long.Len() < 1<<17; i++ { // more than is read before the name is found
		fmt.Fprintf(&long, "user%d@contoso.com\n", i)
	}
	job := func() Options {
		o := optOut(t, l, 3)
		o.Results = ""
		o.Open = func(connect.Settings, connect.Options) (*connect.Tenant, error) {
			return &connect.Tenant{Runner: l, Name: "ledger", Real: true}, nil
		}
		o.NameResults = func(use func(string) bool) string {
			for i := 1; ; i++ {
				if name := filepath.Join(dir, fmt.Sprintf("apply-%d.csv", i)); use(name) {
					return name
				}
			}
		}
		return o
	}
	run := func(o Options, want error) string {
		t.Helper()
		got, err := o.Run(t.Context(), nil)
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want) // not Fatalf: it may be within a read of another job
		}
		return filepath.Base(got.Results)
	}
	within := func(inner func()) Options {
		o := job()
		o.Roster, o.Stdin = "-", io.MultiReader(strings.NewReader(long.String()), readHook(inner))
		return o
	}
	refused := errors.New("no")
	no := func(Plan) error { return refused }

	var second, third string
	first := run(within(func() {
		second = run(within(func() {
			o := job()
			o.Approve = no
			third = run(o, refused)
		}), nil)
	}), nil)
	if got, want := []string{first, second, third}, []string{"apply-1.csv", "apply-2.csv", "apply-3.csv"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	o := within(func() {})
	o.Approve = no
	run(o, refused)
	files, err := os.ReadDir(dir)
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	want := []string{"apply-1.csv", "apply-1.csv.json", "apply-1.csv.lock", "apply-2.csv", "apply-2.csv.json", "apply-2.csv.lock"}
	if err != nil || !slices.Equal(names, want) {
		t.Errorf("%v, %v, want %v", err, names, want)
	}
}
