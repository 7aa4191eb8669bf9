package main

import (
	"os/exec"
	"strings"
	"testing"
)

// Imports run one way: the command line, what is said, what is done, where.
func TestImports(t *testing.T) {
	allowed := map[string]string{
		"rollcall/tenant":                     "",
		"rollcall/tenant/jsonscan":            "",
		"rollcall/tenant/disk":                "",
		"rollcall/tenant/internal/errorcases": "tenant", // for tests only
		"rollcall/tenant/entra":               "tenant",
		"rollcall/tenant/rest":                "tenant",
		"rollcall/tenant/exchange":            "tenant tenant/rest tenant/jsonscan",
		"rollcall/tenant/insights":            "tenant tenant/rest tenant/jsonscan",
		"rollcall/tenant/powershell":          "tenant",
		"rollcall/tenant/sandbox":             "tenant tenant/disk",
		"rollcall/tenant/sandbox/server":      "tenant tenant/jsonscan tenant/sandbox",
		"rollcall/tenant/connect":             "tenant tenant/entra tenant/exchange tenant/insights tenant/rest tenant/powershell tenant/sandbox",
		"rollcall/pipeline/roster":            "pipeline/roster/xlsx",
		"rollcall/pipeline/roster/xlsx":       "",
		"rollcall/pipeline/lock":              "",
		"rollcall/pipeline/pace":              "tenant tenant/disk",
		"rollcall/pipeline":                   "tenant pipeline/pace pipeline/roster",
		"rollcall/pipeline/results":           "tenant tenant/disk pipeline pipeline/roster",
		"rollcall/pipeline/job":               "tenant tenant/connect tenant/disk pipeline pipeline/lock pipeline/pace pipeline/results pipeline/roster",
		"rollcall/pipeline/fleet":             "tenant/disk pipeline pipeline/results pipeline/roster",
		"rollcall/pipeline/fleet/work":        "tenant tenant/connect tenant/disk pipeline pipeline/fleet pipeline/fleet/queue pipeline/job pipeline/lock pipeline/results",
		"rollcall/pipeline/fleet/queue":       "pipeline/lock pipeline/roster tenant/disk",
		"rollcall/report/html":                "pipeline pipeline/fleet pipeline/results report",
		"rollcall/report":                     "tenant tenant/disk pipeline pipeline/fleet pipeline/pace pipeline/results pipeline/roster",
		"rollcall/cmd/rollcall":               "tenant tenant/connect tenant/disk tenant/entra tenant/exchange tenant/powershell tenant/sandbox tenant/sandbox/server pipeline pipeline/fleet pipeline/fleet/queue pipeline/fleet/work pipeline/job pipeline/lock pipeline/pace pipeline/results pipeline/roster report report/html",
	}
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "rollcall/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		may, ok := allowed[words[0]]
		if !ok {
			t.Errorf("package %s has no place here yet", words[0])
		}
		for _, imported := range words[1:] {
			if name, own := strings.CutPrefix(imported, "rollcall/"); own && !strings.Contains(" "+may+" ", " "+name+" ") {
				t.Errorf("%s imports %s", words[0], imported)
			}
		}
	}
}
