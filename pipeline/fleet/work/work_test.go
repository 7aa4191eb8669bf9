package work

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
)

// A fleet that two Workers did, each in its own directory, leaves what runs by themselves
// leave, times and attempts apart. Nothing is left in the directories or the queue, and
// no secret of a profile in the store.
func TestFleet(t *testing.T) {
	t.Parallel()
	const tenants, n = 20, 50
	w := newWorld(t, time.Millisecond)
	id := w.submit(tenants, n, nil)
	a, b := w.worker("a", 4), w.worker("b", 4)
	stop := w.start(a, b)
	s := w.until(id, "all ended", ended)
	stop()
	w.isWhole(id, tenants, n)
	if sets, got := w.sets(); sets != tenants*users(n) || got != sets {
		t.Errorf("%d sets of %d users, want %d", sets, got, tenants*users(n))
	}
	by := make(map[string]int)
	for _, j := range s.Jobs {
		by[j.Worker]++
	}
	t.Logf("jobs by worker: %v", by)
	if w.stores(token) {
		t.Error("the store has the token")
	}
	if !w.stores("user3@t0.com") || !w.stores("rosters/t0.csv") {
		t.Error("the store can't be read by this test")
	}
	dir := t.TempDir()
	found, err := download(t.Context(), w.queue, id, "t0", dir)
	check(t, err)
	if text := content(t, dir, "t0.csv.json"); !found || !strings.Contains(text, `"roster": "rosters/t0.csv"`) || !strings.Contains(text, `"results": "t0.csv"`) || strings.Contains(text, a.Dir) || strings.Contains(text, b.Dir) {
		t.Errorf("the summary is %s", text)
	}
}

// stores reports whether a file of the store has a text.
func (w *world) stores(text string) (found bool) {
	filepath.WalkDir(w.store, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			b, err := os.ReadFile(name)
			found = found || err == nil && bytes.Contains(b, []byte(text))
		}
		return nil
	})
	return found
}

// A job whose profile a Worker does not know is done by one that does; if three don't, it
// fails and the reason names the profile and them.
func TestUnknownProfile(t *testing.T) {
	t.Parallel()
	const n = 12
	w := newWorld(t, 0)
	id := w.submit(2, n, func(_ *queue.Fleet, jobs []queue.Job) { jobs[1].Profile = "contoso" })
	var all []*Worker
	for _, name := range []string{"a", "b", "c"} {
		all = append(all, w.worker(name, 1))
	}
	defer w.start(all...)()
	w.until(id, "all ended", ended)
	r, _ := w.download(id)
	if o := r.Tenants[0].Outcome; o.State != results.Complete {
		t.Errorf("t0 is %+v", o)
	}
	o := r.Tenants[1].Outcome
	if o.State != results.Errored || *o.Exit != 1 || !strings.Contains(o.Reason, `"contoso"`) || !strings.Contains(o.Reason, "a") || o.Rows.Total != n || o.Rows.Recorded != 0 {
		t.Errorf("t1 is %+v", o)
	}
	for _, name := range []string{"a", "b", "c"} {
		if !strings.Contains(o.Reason[strings.LastIndex(o.Reason, ":"):], name) {
			t.Errorf("the reason %q does not name %s", o.Reason, name)
		}
	}
}

// A job whose Worker does not know its profile is not that Worker's end: another does it.
func TestKnownElsewhere(t *testing.T) {
	t.Parallel()
	const n = 12
	w := newWorld(t, 0)
	id := w.submit(1, n, nil)
	other := w.worker("other", 1)
	other.Prepare = func(queue.Job, string) (job.Options, error) { return job.Options{}, ErrUnknownProfile }
	defer w.start(other)()
	w.until(id, "rejected", func(s *queue.FleetState) bool { return len(s.Jobs[0].Rejections) > 0 })
	defer w.start(w.worker("knows", 1))()
	w.until(id, "all ended", ended)
	w.isWhole(id, 1, n)
}

// A Worker with a fault of its own hands back one tenant a slot, and then waits: meanwhile
// another does the others, which nobody has handed back.
func TestFaultWait(t *testing.T) {
	t.Parallel()
	const tenants, n, slots = 8, 12, 2
	w := newWorld(t, slowly)
	id := w.submit(tenants, n, nil)
	var handedBack atomic.Int32
	bad := w.worker("bad", slots)
	bad.Prepare = func(queue.Job, string) (job.Options, error) { return job.Options{}, errors.New("no access token") }
	bad.Observer = observing(func(e Event) {
		if _, ok := e.(Rejected); ok {
			handedBack.Add(1)
		}
	})
	began := time.Now()
	defer w.start(bad)()
	w.until(id, "handed back", func(*queue.FleetState) bool { return handedBack.Load() >= slots })
	defer w.start(w.worker("good", 1))()
	w.until(id, "all ended", ended)
	if got, most := int(handedBack.Load()), slots*(1+int(time.Since(began)/faultWait)); got > most {
		t.Errorf("%d tenants were handed back, want %d at most", got, most)
	}
	w.isWhole(id, tenants, n)
}

// A roster that is not what was submitted fails its tenant, with its name, and no call is
// made; so does one that is not in the store.
func TestChangedRoster(t *testing.T) {
	t.Parallel()
	const n = 12
	w := newWorld(t, 0)
	id := w.submit(3, n, func(_ *queue.Fleet, jobs []queue.Job) {
		other := append(roster("t1", n), "mallory@t1.com,Nowhere\n"...)
		check(t, w.queue.Put(t.Context(), queue.RosterName(jobs[1].RosterSHA256), bytes.NewReader(other)))
		check(t, w.queue.Delete(t.Context(), queue.RosterName(jobs[2].RosterSHA256)))
	})
	defer w.start(w.worker("a", 2))()
	w.until(id, "all ended", ended)
	r, dir := w.download(id)
	for _, o := range r.Tenants[1:] {
		if o.State != results.Errored || *o.Exit != 1 || !strings.Contains(o.Reason, "roster rosters/"+o.Name+".csv: ") {
			t.Errorf("%s is %+v", o.Name, o.Outcome)
		}
		if _, err := os.Stat(filepath.Join(dir, o.Results)); err == nil {
			t.Errorf("%s has results", o.Name)
		}
	}
	if r.Tenants[0].State != results.Complete {
		t.Errorf("t0 is %+v", r.Tenants[0].Outcome)
	}
	if sets, got := w.sets(); sets != users(n) || got != sets {
		t.Errorf("%d sets of %d users", sets, got)
	}
}

// The names of files in a job lead nowhere but into the directory of the job.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	const n = 12
	w := newWorld(t, 0)
	outside := filepath.Join(t.TempDir(), "outside.csv")
	id := w.submit(4, n, func(_ *queue.Fleet, jobs []queue.Job) {
		for i, name := range []string{outside, "../outside.csv", "..", ""} {
			jobs[i].Files[0].Name = name
		}
	})
	defer w.start(w.worker("a", 2))()
	w.until(id, "all ended", ended)
	r, _ := w.download(id)
	for _, o := range r.Tenants {
		if o.State != results.Errored || !strings.Contains(o.Reason, "is no name of a file") {
			t.Errorf("%s is %+v", o.Name, o.Outcome)
		}
	}
	if _, err := os.Stat(outside); err == nil {
		t.Error("it wrote outside")
	}
	if _, err := download(t.Context(), w.queue, id, "../t0", t.TempDir()); err == nil {
		t.Error("a tenant may be called ../t0")
	}
}

// A tenant that a guard stopped ends with its exit status, results and journal; put in the
// queue again, another Worker goes on with it where it was.
func TestGuard(t *testing.T) {
	t.Parallel()
	const n = 60
	w := newWorld(t, 0)
	id := w.submit(2, n, func(_ *queue.Fleet, jobs []queue.Job) {
		jobs[0].Flags = []queue.Flag{{Name: "limit", Values: []string{"10"}}}
	})
	stop := w.start(w.worker("a", 2))
	w.until(id, "all ended", ended)
	stop()
	r, dir := w.download(id)
	o := r.Tenants[0].Outcome
	if o.State != results.Guarded || *o.Exit != 5 || o.Rows.Recorded == 0 || o.Rows.Recorded >= n {
		t.Fatalf("t0 is %+v", o)
	}
	for _, suffix := range suffixes {
		if _, err := os.Stat(filepath.Join(dir, "t0"+suffix)); err != nil {
			t.Error(err)
		}
	}
	check(t, w.queue.Again(t.Context(), id, nil))
	b := w.worker("b", 2)
	prepare := b.Prepare
	b.Prepare = func(j queue.Job, dir string) (job.Options, error) {
		j.Flags = nil
		return prepare(j, dir)
	}
	defer w.start(b)()
	w.until(id, "all ended", ended)
	w.isWhole(id, 2, n)
	if sets, got := w.sets(); sets != 2*users(n) || got != sets {
		t.Errorf("%d sets of %d users, want %d", sets, got, 2*users(n))
	}
}

// The results of a fleet are the rosters of one that puts back what it changed, with the
// summary that stands beside each.
func TestUndo(t *testing.T) {
	t.Parallel()
	const n = 30
	w := newWorld(t, 0)
	id := w.submit(2, n, nil)
	defer w.start(w.worker("a", 2))()
	w.until(id, "all ended", ended)
	_, dir := w.download(id)
	undo := w.submit(2, n, func(f *queue.Fleet, jobs []queue.Job) {
		f.ID, f.Run = "undo-1", "undo"
		for i := range jobs {
			j := &jobs[i]
			j.Fleet, j.Run, j.Files = f.ID, "undo", nil
			for _, suffix := range suffixes[:2] {
				b := content(t, dir, j.Tenant+suffix)
				sum := sha256.Sum256([]byte(b))
				file := queue.File{Name: j.Tenant + suffix, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(b))}
				check(t, w.queue.Put(t.Context(), queue.RosterName(file.SHA256), strings.NewReader(b)))
				j.Files = append(j.Files, file)
			}
		}
	})
	w.until(undo, "all ended", ended)
	r, dir := w.download(undo)
	for _, o := range r.Tenants {
		if o.State != results.Complete || o.Rows.ByStatus["applied"] != users(n) {
			t.Errorf("%s is %+v", o.Name, o.Outcome)
		}
		if text := content(t, dir, o.Results); strings.Count(text, ",opt-in,opt-in,opt-out") != users(n) {
			t.Errorf("%s has\n%s", o.Name, text)
		}
	}
}
