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

// Each tenant is in a tile, whatever became of it, and one that was refused has the
// reason of that.
func TestFleetTiles(t *testing.T) {
	r := &fleet.Record{Name: "nightly", Run: "apply"}
	add := func(o fleet.Outcome, refused string) {
		r.Tenants = append(r.Tenants, fleet.TenantRecord{Name: "t", Outcome: o, Refused: refused})
	}
	add(fleet.Outcome{State: "complete"}, "")
	add(fleet.Outcome{State: "interrupted", Reason: "interrupted"}, "the roster was changed")
	add(fleet.Outcome{State: "complete"}, "the roster was changed")
	add(fleet.Outcome{State: "guard", Reason: "stopped: too many failed rows"}, "")
	add(fleet.Outcome{State: "guard", WithFleet: true}, "")
	add(fleet.Outcome{State: "cancelled"}, "")
	add(fleet.Outcome{State: "cancelled"}, "")
	add(fleet.Outcome{State: "paused"}, "")
	var b strings.Builder
	if err := (&Fleet{Record: r}).Write(&b); err != nil {
		t.Fatal(err)
	}
	_, tiles, _ := strings.Cut(b.String(), `<ul class="tiles">`)
	tiles, _, _ = strings.Cut(tiles, "</ul>")
	want := ""
	for _, tile := range []struct{ class, count, word string }{
		{"", "1", "complete"}, {"bad", "2", "refused"}, {"bad", "1", "stopped by a guard"}, {"", "1", "stopped with the fleet"}, {"", "2", "cancelled"}, {"", "1", "paused"},
	} {
		want += `<li class="` + tile.class + `"><span class="count">` + tile.count + `</span> <span class="status">` + tile.word + "</span></li>\n"
	}
	if strings.TrimSpace(tiles) != strings.TrimSpace(want) {
		t.Errorf("the tiles are\n%s\nwant\n%s", tiles, want)
	}
	for _, row := range []string{
		`<span class="status bad">refused</span> <span class="more"><bdi>the roster was changed</bdi></span>`,
		`<span class="status ">stopped with the fleet</span>`,
		`7 of 8 tenants are not done`,
	} {
		if !strings.Contains(b.String(), row) {
			t.Errorf("it lacks %s", row)
		}
	}
}
