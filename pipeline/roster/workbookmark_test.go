package roster

import (
	"bytes"
	"reflect"
	"testing"
)

// A byte order mark that a sheet has from a CSV file is no part of its first header, and
// is left alone elsewhere.
func TestWorkbookByteOrderMark(t *testing.T) {
	for _, name := range []string{"UPN", "UPN, or\nnot"} {
		text := workbook(t, nil, [][]any{{"\ufeff" + name, "\ufeffNote"}, {"ada@contoso.com", "\ufeffx"}})
		r, err := Open("-", bytes.NewReader(text), Options{UPNColumn: name})
		if err == nil {
			defer r.Close()
			err = r.Survey(nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, want := append(r.Header(), readAll(t, r)[0].Cells...), []string{name, "\ufeffNote", "ada@contoso.com", "\ufeffx"}; !reflect.DeepEqual(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
