package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// However the program ends, the summary that it leaves is what the schema says,
// and summary, metrics and log are of one mind about it.
func TestWhatIsLeftOfARun(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../pipeline/results/summary.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"users.csv":  "UPN\nada@contoso.com\neve@contoso.com\nmallory\n",
		"ada.csv":    "UPN\nada@contoso.com\n",
		"tenant.csv": "UserPrincipalName,PrivacyMode\nada@contoso.com,opt-in\n",
		"bad.csv":    "Name\nada\n",
	} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(tokenVariable, "")
	for _, test := range []struct {
		args    string
		exit    int
		outcome string
	}{
		{"audit ada.csv --privacy-mode opt-in", 0, "complete"},
		{"audit ada.csv --privacy-mode opt-out", 4, "complete"},
		{"audit users.csv --privacy-mode opt-out", 3, "complete"},
		{"audit users.csv --privacy-mode opt-out --limit 1", 5, "guard"},
		{"apply ada.csv --privacy-mode opt-out --read-first -o r.csv --overwrite", 0, "complete"},
		{"apply ada.csv --privacy-mode opt-out -o r.csv", 1, "error"},
		{"undo r.csv -o u.csv", 0, "complete"},
		{"undo ada.csv", 1, "error"},
		{"apply users.csv --privacy-mode opt-out --canary 2", 5, "guard"},
		{"apply bad.csv --privacy-mode opt-out", 1, "error"},
		{"apply ada.csv --privacy-mode opt-out --tenant exchange --endpoint http://127.0.0.1:1 --organization 11111111-2222-3333-4444-555555555555", 1, "error"},
	} {
		args := strings.Fields(test.args)
		for i, arg := range args {
			if strings.HasSuffix(arg, ".csv") {
				args[i] = in(arg)
			}
		}
		if !strings.Contains(test.args, "--tenant") {
			args = append(args, "--tenant", "sandbox:"+in("tenant.csv"))
		}
		args = append(args, "--summary-json", in("s.json"), "--metrics-file", in("m.prom"), "--log-file", in("l.log"))
		var out, stderr bytes.Buffer
		if got := run(args, strings.NewReader(""), &out, &stderr); got != test.exit {
			t.Errorf("%s: exit status %d, want %d\n%s", test.args, got, test.exit, stderr.String())
		}

		summary, err := os.ReadFile(in("s.json"))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(summary))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", test.args, err)
		}
		said := doc.(map[string]any)
		if fmt.Sprint(said["exit"]) != fmt.Sprint(test.exit) || said["outcome"] != test.outcome || said["reason"] == "" != (test.outcome == "complete") {
			t.Errorf("%s: summary says exit %v, outcome %v, reason %q", test.args, said["exit"], said["outcome"], said["reason"])
		}

		for name, want := range map[string]os.FileMode{"s.json": 0o600, "m.prom": 0o644, "l.log": 0o600} {
			if info, err := os.Stat(in(name)); err != nil || runtime.GOOS != "windows" && info.Mode() != want {
				t.Errorf("%s: %v, %v; want mode %v", name, info.Mode(), err, want)
			}
		}

		metrics, err := os.ReadFile(in("m.prom"))
		if err != nil {
			t.Fatal(err)
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(bytes.NewReader(metrics))
		if err != nil {
			t.Fatal(err)
		}
		for name, member := range map[string]any{"exit_status": said["exit"], "roster_rows": said["rows"].(map[string]any)["total"], "calls": said["calls"].(map[string]any)["made"]} {
			if got := families["rollcall_"+name].GetMetric()[0].GetGauge().GetValue(); fmt.Sprint(got) != fmt.Sprint(member) {
				t.Errorf("%s: metrics have %s %v, the summary %v", test.args, name, got, member)
			}
		}

		log, err := os.ReadFile(in("l.log"))
		if err != nil {
			t.Fatal(err)
		}
		last := log[bytes.LastIndexByte(log[:len(log)-1], '\n')+1:]
		if !bytes.Contains(last, fmt.Appendf(nil, `"outcome":"%s"`, test.outcome)) || !bytes.Contains(last, fmt.Appendf(nil, `"exit":%d,`, test.exit)) {
			t.Errorf("%s: the log ends in %s", test.args, last)
		}
		for _, name := range []string{"s.json", "m.prom", "l.log"} {
			os.Remove(in(name))
		}
	}
}
