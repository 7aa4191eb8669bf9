//go:build unix

package work

import (
	"strings"
	"testing"
	"time"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
)

// A tenant that is cancelled when its worker is gone, with its disk, waits for another,
// which makes no call on it: results, summary and journal have all that the worker did, so
// that undo leaves nobody changed.
func TestCancelLost(t *testing.T) {
	const n = 200
	w := newWorld(t, slowly)
	id := w.submit(1, n, nil)
	a := w.process("a", 1)
	w.atWork(id, "t0")
	a.kill()
	time.Sleep(200 * time.Millisecond) // for calls on their way
	before := w.calls()
	check(t, w.queue.Cancel(t.Context(), id, nil, fleet.Outcome{State: fleet.Cancelled}))
	s := w.until(id, "left by a", func(s *queue.FleetState) bool { return s.Jobs[0].State == queue.Waiting })
	if s.Jobs[0].Ending != queue.StopCancelled {
		t.Errorf("it is %+v", s.Jobs[0])
	}
	b := w.worker("b", 1)
	defer w.start(b)()
	w.until(id, "ended", ended)
	if now := w.calls(); now != before {
		t.Errorf("%d calls after it was cancelled", now-before)
	}
	r, dir := w.download(id)
	if o := r.Tenants[0].Outcome; o.State != fleet.Cancelled || o.Reason != "cancelled" || o.Rows.Recorded < 20 || o.Rows.Recorded != records(t, dir, "t0") || o.Rows.Total != n {
		t.Errorf("it is %+v, with %d records", o, records(t, dir, "t0"))
	}
	if text := content(t, dir, "t0.csv.json"); !strings.Contains(text, `"reason": "cancelled"`) {
		t.Errorf("the summary is %s", text)
	}
	if changed := w.changed("t0", n); changed < 20 {
		t.Errorf("%d users were changed", changed)
	}
	w.undo(dir, "t0")
	if changed := w.changed("t0", n); changed != 0 {
		t.Errorf("undo leaves %d users changed", changed)
	}
}
