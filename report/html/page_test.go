package html

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
)

// hostileToBrowsers are cells that a browser, a template or a reader could be taken in by.
var hostileToBrowsers = []string{
	`<script>alert(1)</script>`,
	`</script><script>alert(2)</script>`,
	`</style><style>*{display:none}</style>`,
	`</td></tr></table><img src=x onerror=alert(3)>`,
	`"><svg onload=alert(4)>`,
	`' onmouseover='alert(5)`,
	`javascript:alert(6)`,
	`<a href="javascript:alert(7)">mail</a>`,
	`{{.Script}} ${alert(8)} <!-- -->`,
	`<base href="http://192.0.2.1/"><link rel=stylesheet href="//192.0.2.1/x.css">`,
	`<meta http-equiv=refresh content="0;url=http://192.0.2.1/">`,
	"evil\u202egpj.exe", "zero\u200bwidth\ufeff", "nul\x00bell\x07esc\x1b[2J", "bad\xff\xfeutf8", "lines\nand\rreturns\u2028",
	`<iframe src="data:text/html,<script>parent.alert(9)</script>"></iframe>`,
	`&lt;b&gt; &amp;`, `=HYPERLINK("http://192.0.2.1/")`,
}

// sample returns the page of a run over n rows, with something of everything.
func sample(n int, kind string) *Page {
	f := results.Format{Properties: []string{"PrivacyMode"}, Header: []string{"UserPrincipalName", "UsageLocation", "Department", "DisplayName"}}
	t := NewTally(f)
	r := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 11, 22, 6, 54, 41, 0, time.UTC)
	places := []string{"FR", "US", "DE", "JP", "GB", ""}
	departments := []string{"Sales", "Research and development", "Finance", "Legal", "Human resources", "Operations", "IT"}
	for i := range n {
		res := pipeline.Result{Attempts: 2, Finished: start.Add(time.Duration(i) * 20 * time.Millisecond)}
		res.Row = roster.Row{Line: i + 2, UPN: fmt.Sprintf("user%d@%s", i, []string{"contoso.com", "contoso.com", "fabrikam.com"}[r.IntN(3)])}
		res.Row.Cells = []string{res.Row.UPN, places[min(r.IntN(8), 5)], departments[r.IntN(7)], fmt.Sprint("User ", i)}
		v := pipeline.Value{Wanted: "opt-out", Before: "opt-in"}
		x := r.IntN(1000)
		if kind == "audit" {
			v.After = v.Before
			switch {
			case x < 8:
				res.Status, v.Before, v.After = pipeline.NotFound, "", ""
				res.Err = errors.New("Get-MyAnalyticsFeatureConfig " + res.Row.UPN + ": the user couldn't be found on 'sandbox'")
			case x < 12:
				res.Status, v.Before, v.After = pipeline.Unreadable, "", ""
				res.Err = errors.New("Get-MyAnalyticsFeatureConfig " + res.Row.UPN + ": service unavailable (HTTP 503), 6 attempts")
			case x < 500:
				res.Status = pipeline.Differs
			default:
				res.Status, v.Before, v.After, v.Same = pipeline.Same, "opt-out", "opt-out", true
			}
		} else {
			v.After = v.Wanted
			switch {
			case x < 6:
				res.Status, v.Before, v.After = pipeline.NotFound, "", ""
				res.Err = errors.New("Set-MyAnalyticsFeatureConfig " + res.Row.UPN + ": the user couldn't be found on 'sandbox'")
			case x < 9:
				res.Status, v.After = pipeline.Failed, ""
				res.Err = errors.New("Set-MyAnalyticsFeatureConfig " + res.Row.UPN + ": service unavailable (HTTP 503), 6 attempts in 31s")
			case x < 11:
				res.Status, v.After = pipeline.Mismatch, "opt-in"
				res.Err = errors.New("still opt-in after 30s")
			case x < 14:
				res.Status, v = pipeline.Invalid, pipeline.Value{}
				res.Row.UPN, res.Err = fmt.Sprint("user", i), errors.New("has no domain")
			case x < 18:
				res.Status, v = pipeline.Duplicate, pipeline.Value{}
				res.Note = "the same user as on line 2"
			case x < 200:
				res.Status, v.Before = pipeline.Unchanged, "opt-out"
			default:
				res.Status = pipeline.Applied
			}
		}
		res.Values = []pipeline.Value{v}
		t.Record(&res)
	}
	end := start.Add(time.Duration(n) * 20 * time.Millisecond)
	p := &Page{Kind: kind, Change: "PrivacyMode=opt-out", Noun: "MyAnalyticsFeatureConfig", Roster: "users.csv", Counts: pipeline.Counts{Total: n, Recorded: n},
		Tenant: "sandbox tenant", Sandbox: true, Results: "results.csv", Began: start, Ended: end, Version: "v1.0.0", Tally: t}
	p.Note, p.By, p.Caller, p.Program = "CHG0012345", "by ada on admin-1", "application rollcall 22222222-3333-4444-5555-666666666666", "v1.0.0"
	p.RosterSHA256, p.ResultsSHA256 = strings.Repeat("0123456789abcdef", 4), strings.Repeat("fedcba9876543210", 4)
	p.CommandLine = "rollcall " + kind + " users.csv --privacy-mode opt-out -o results.csv --html report.html --note CHG0012345 --tenant exchange --organization contoso.onmicrosoft.com"
	p.Commands = []Command{{"Try the rows again that are failed,mismatch", "rollcall apply results.csv --only failed,mismatch -o again.csv --tenant exchange --organization contoso.onmicrosoft.com"},
		{"Put back what this run changed", "rollcall undo 'my results.csv' -o undone.csv"}}
	p.Timeline = &Timeline{}
	var at reading
	for i := range 90 {
		p.Timeline.readings = append(p.Timeline.readings, at)
		rate := 38 + 8*r.Float64()
		if i > 30 && i < 38 {
			at.throttled += 180 * time.Millisecond
			at.retries += 3
			rate = 9
		}
		at.at += 250 * time.Millisecond
		at.calls += int64(rate / 4)
		at.rows = at.calls / 2
	}
	return p
}

// written returns the file.
func written(tb testing.TB, p *Page) string {
	tb.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}
