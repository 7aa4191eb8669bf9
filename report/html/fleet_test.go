package html

import (
	"strings"
	"testing"
	"time"

	"rollcall/pipeline/fleet"
)

// The report of a fleet has a tile for each state and status, a row for each tenant
// with a link to its own report, and nothing that a tenant or a reason could make
// markup of.
func TestFleet(t *testing.T) {
	began := time.Date(2026, 11, 28, 2, 30, 0, 0, time.UTC)
	ended := began.Add(95 * time.Second)
	r := &fleet.Record{Name: "nightly", Run: "apply", Started: began, Finished: &ended, State: "error", Tenants: []fleet.TenantRecord{
		{Name: "contoso", Tenant: "exchange tenant contoso.com", Change: "PrivacyMode=opt-out", Outcome: fleet.Outcome{State: "complete", Started: &began, Finished: &ended,
			Rows: fleet.Rows{Total: 1200, Recorded: 1200, Failed: 2, ByStatus: map[string]int{"applied": 1198, "failed": 2}}}},
		{Name: "fabrikam", Tenant: "<script>alert(1)</script>", Outcome: fleet.Outcome{State: "error", Reason: "<b>no</b> token", Rows: fleet.Rows{Total: 3}}},
	}}
	r.Sum()
	var b strings.Builder
	if err := (&Fleet{Record: r, Links: map[string]string{"contoso": "results/contoso.html"}}).Write(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{
		`<h1>nightly: apply on 2 tenants</h1>`,
		`1 of 2 tenants is not done`,
		`<li class=""><span class="count">1</span> <span class="status">complete</span></li>`,
		`<li class="bad"><span class="count">1</span> <span class="status">not carried out</span></li>`,
		`<li class=""><span class="count">1,198</span> <span class="status">applied</span></li>`,
		`<li class="bad"><span class="count">2</span> <span class="status">failed</span></li>`,
		`<a href="results/contoso.html">contoso</a>`, `<th scope="row">fabrikam</th>`, `1,200 of 1,200`, `1m35s`, `2026-11-28 02:31:35 UTC`,
		`&lt;b&gt;no&lt;/b&gt; token`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("it lacks %s", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "<b>") {
		t.Error("there is markup of a tenant's in it")
	}
}
