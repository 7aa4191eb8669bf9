package roster

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The digest tells rosters apart by their lines, users and what their rows ask
// for, and by nothing else.
func TestDigest(t *testing.T) {
	const base = "UPN,Mode,City\nada@contoso.com,opt-in,Rome\nbob@contoso.com,opt-out,Oslo\ncyd@contoso.com,opt-in,Bonn\n"
	digest := func(text string) string {
		t.Helper()
		r := openWanting(t, text, Options{}, func(row *Row) (string, error) {
			if row.Cells[1] == "bad" {
				return "", errors.New("asks for nonsense")
			}
			return row.Cells[1], nil
		})
		return r.Digest()
	}
	want := digest(base)
	for _, c := range []struct {
		old, new string
		same     bool
	}{
		{"Rome", "Milan", true},
		{"UPN", "UserPrincipalName", true},
		{"\n", "\r\n", true},
		{"bob@", " bob@", true},
		{"bob@", "bib@", false},
		{"bob@", "Bob@", false},
		{"bob@contoso.com,opt-out", "bob@contoso.com,opt-in", false},
		{"bob@contoso.com,opt-out", "bob@contoso.com,bad", false},
		{"bob@contoso.com,opt-out,Oslo\n", "", false},
		{"bob@", "\nbob@", false},
		{"cyd@contoso.com,opt-in,Bonn\n", "cyd@contoso.com,opt-in,Bonn\ndan@contoso.com,opt-in,Kiel\n", false},
		{"ada@contoso.com,opt-in,Rome\nbob@contoso.com,opt-out,Oslo", "bob@contoso.com,opt-out,Oslo\nada@contoso.com,opt-in,Rome", false},
	} {
		edited := strings.ReplaceAll(base, c.old, c.new)
		if got := digest(edited); edited == base || got == want != c.same {
			t.Errorf("%q to %q: the same digest: %t, want %t", c.old, c.new, got == want, c.same)
		}
	}
}

// The sum is that of the file as it came, in whatever encoding.
func TestSHA256(t *testing.T) {
	for _, text := range []string{"UPN\nada@contoso.com\n", "\ufeffUPN\r\nada@contoso.com\r\n", "UPN,City\nada@contoso.com,M\xfcnchen\n"} {
		name := filepath.Join(t.TempDir(), "users.csv")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(name, nil, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		sum := sha256.Sum256([]byte(text))
		if got, err := r.SHA256(); err != nil || got != hex.EncodeToString(sum[:]) {
			t.Errorf("%q: %s, %v; want %x", text, got, err, sum)
		}
	}
}

// Rows that are passed over are counted by their status.
func TestPassedOverByStatus(t *testing.T) {
	const text = "UPN,Status\na@contoso.com,same\nb@contoso.com,Differs\nc@contoso.com,SAME\nd@contoso.com,failed\ne@contoso.com,\n"
	r, err := surveyed(Read("diff.csv", strings.NewReader(text), Options{Only: []string{"differs", "failed"},
		Skip: func(row *Row) bool { return row.Cells[1] == "failed" }}))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	d := r.Description()
	if want := map[string]int{"same": 2, "failed": 1, "": 1}; d.Rows != 1 || d.PassedOver != 4 || !maps.Equal(d.PassedOverBy, want) {
		t.Errorf("%d rows, %d passed over, %v; want 1, 4, %v", d.Rows, d.PassedOver, d.PassedOverBy, want)
	}
	if want := "4 rows passed over (1 without a status, 1 failed, 2 same)"; d.Passed() != want {
		t.Errorf("%q, want %q", d.Passed(), want)
	}
}
