package server

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/tenant"
	"rollcall/tenant/sandbox"
)

// cmdlet reads "NAME IDENTITY PARAMETER=VALUE ...": a value is JSON, or else a
// string.
func cmdlet(line string) tenant.Cmdlet {
	words := strings.Fields(line)
	c := tenant.Cmdlet{Name: words[0], Identity: words[1]}
	for _, w := range words[2:] {
		name, text, _ := strings.Cut(w, "=")
		var v any = text
		if json.Valid([]byte(text)) {
			d := json.NewDecoder(strings.NewReader(text))
			d.UseNumber()
			d.Decode(&v)
		}
		c.Parameters = append(c.Parameters, tenant.Parameter{Name: name, Value: v})
	}
	return c
}

func run(t *testing.T, r tenant.Runner, line string) []tenant.Object {
	t.Helper()
	objects, err := r.Run(t.Context(), cmdlet(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return objects
}

// load returns a tenant of the users in content, and the name of its file.
func load(t *testing.T, content string) (*sandbox.Tenant, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tenant.csv")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	tn, err := sandbox.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return tn, name
}
