package work

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/results"
	"rollcall/tenant"
	"rollcall/tenant/sandbox"
)

// calls returns how many cmdlets the tenants were asked for.
func (w *world) calls() (n int) {
	for _, count := range w.tenants.Counts().Cmdlets {
		n += count
	}
	return n
}

// changed returns how many of n users of a tenant are not as they were in the beginning.
func (w *world) changed(name string, n int) (changed int) {
	w.t.Helper()
	was := sandbox.New()
	for k := range n {
		c := tenant.Cmdlet{Name: "Get-MyAnalyticsFeatureConfig", Identity: fmt.Sprintf("user%d@%s.com", k, name)}
		before, err := was.Run(w.t.Context(), c)
		check(w.t, err)
		now, err := w.tenants.Tenant.Run(w.t.Context(), c)
		check(w.t, err)
		if !reflect.DeepEqual(before, now) {
			changed++
		}
	}
	return changed
}

// undo undoes what was downloaded of a tenant, as a fleet of its own.
func (w *world) undo(dir, tenant string) {
	w.t.Helper()
	var files []queue.File
	for _, suffix := range suffixes {
		b := []byte(content(w.t, dir, tenant+suffix))
		sum := sha256.Sum256(b)
		hash := hex.EncodeToString(sum[:])
		check(w.t, w.queue.Put(w.t.Context(), queue.RosterName(hash), bytes.NewReader(b)))
		files = append(files, queue.File{Name: tenant + suffix, SHA256: hash, Size: int64(len(b))})
	}
	f := queue.Fleet{ID: "undo-1", Name: "undo", Run: "undo", Parallel: 1, Takeover: takeover}
	j := queue.Job{Tenant: tenant, Key: "key-" + tenant, Run: "undo", Profile: "known", Roster: tenant + ".csv", RosterSHA256: files[0].SHA256, Files: files}
	check(w.t, w.queue.Submit(w.t.Context(), f, []queue.Job{j}))
	s := w.until(f.ID, "undone", ended)
	r, err := RecordOf(s)
	check(w.t, err)
	if r.Tenants[0].State != results.Complete {
		w.t.Errorf("undo is %+v", r.Tenants[0].Outcome)
	}
}

// records returns how many records a results file has.
func records(t *testing.T, dir, tenant string) int {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(content(t, dir, tenant+".csv"))).ReadAll()
	check(t, err)
	return len(rows) - 1
}

// A tenant that is paused, or handed back, and then cancelled or stopped with its fleet,
// keeps its counts and results; put in the queue again it goes on from there.
func TestPausedThenEnded(t *testing.T) {
	for _, end := range []string{"cancel", "stop"} {
		t.Run(end, func(t *testing.T) {
			const n = 200
			w := newWorld(t, slowly)
			id := w.submit(1, n, nil)
			stop := w.start(w.worker("a", 1))
			w.atWork(id, "t0")
			check(t, w.queue.Control(t.Context(), id, func(c *queue.Control) { c.Paused = true }))
			s := w.until(id, "paused", count(1, queue.Paused))
			stop()
			had, calls := recorded(s, "t0"), w.calls()
			o := fleet.Outcome{State: fleet.Cancelled}
			if end == "cancel" {
				check(t, w.queue.Cancel(t.Context(), id, nil, o))
			} else {
				o = fleet.Outcome{State: results.Guarded, WithFleet: true}
				check(t, w.queue.Stop(t.Context(), id, "too many", o))
			}
			stop = w.start(w.worker("b", 1))
			w.until(id, "ended", ended)
			stop()
			r, dir := w.download(id)
			if got := r.Tenants[0].Outcome; got.State != o.State || got.WithFleet != o.WithFleet || got.Rows.Recorded != had || records(t, dir, "t0") != had || w.calls() != calls {
				t.Errorf("it is %+v with %d records, and had %d; %d calls after %d", got, records(t, dir, "t0"), had, w.calls(), calls)
			}
			check(t, w.queue.Control(t.Context(), id, func(c *queue.Control) { c.Continue([]string{"t0"}, nil) }))
			check(t, w.queue.Again(t.Context(), id, nil))
			defer w.start(w.worker("c", 1))()
			w.until(id, "all ended", ended)
			w.isWhole(id, 1, n)
			w.exactly(1, n)
		})
	}
}

// A fleet that its failed tenants stop ends: nobody works on it, those at work have ended
// with what they did, and its tenants are free for another fleet.
func TestStoppedFleetEnds(t *testing.T) {
	const n = 200
	w := newWorld(t, slowly)
	id := w.submit(4, n, func(f *queue.Fleet, jobs []queue.Job) {
		f.Parallel, f.MaxFailed = 2, "0"
		check(t, w.queue.Delete(t.Context(), queue.RosterName(jobs[1].RosterSHA256)))
	})
	w.start(w.worker("a", 2))
	s := w.until(id, "all ended", ended)
	r, dir := w.download(id)
	if s.Stopped == "" {
		t.Fatalf("it is %+v", r.Tenants)
	}
	for _, o := range r.Tenants {
		if o.State == results.Complete {
			continue
		}
		if want := o.Name != "t1"; o.WithFleet != want || want && (o.State != results.Guarded || !strings.HasPrefix(o.Reason, "stopped with the fleet")) {
			t.Errorf("%s is %+v", o.Name, o.Outcome)
		}
		if o.Rows.Recorded > 0 && records(t, dir, o.Name) != o.Rows.Recorded {
			t.Errorf("%s has %d records of %d", o.Name, records(t, dir, o.Name), o.Rows.Recorded)
		}
	}
	check(t, w.queue.Submit(t.Context(), queue.Fleet{ID: "other-1", Name: "other", Run: "apply", Parallel: 1, Takeover: takeover}, []queue.Job{s.Jobs[3].Job}))
}
