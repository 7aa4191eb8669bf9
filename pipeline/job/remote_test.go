package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// However often the machine of a job is lost with its disk, at whatever instant, a job on
// another machine that has the log goes on: the results are those of a job that nothing
// happened to, no value before is lost, and for each machine that was lost at most as many
// rows are set twice as it had workers. The records of a job that was stopped stay as they are.
func TestMachinesLost(t *testing.T) {
	n := uint64(30)
	if testing.Short() {
		n = 10
	}
	for seed := range n {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { loseMachines(t, rand.New(rand.NewPCG(seed, 18))) })
		})
	}
}

func loseMachines(t *testing.T, chance *rand.Rand) {
	users := 20 + chance.IntN(120)
	o := optOut(t, nil, 1)
	o.Roster, o.ReadFirst, o.Workers = remoteRoster(t, users), chance.IntN(2) == 0, 1+chance.IntN(6)
	wait := time.Duration(1+chance.IntN(100)) * time.Millisecond
	stale := []time.Duration{0, 0, 3 * time.Second}[chance.IntN(3)]
	faults := []float64{0, 0, 0.2}[chance.IntN(3)]
	delay := time.Duration(chance.IntN(300)) * time.Millisecond
	o.Retries = 50

	slow, log := newSlowTenant(wait, stale), &fakeLog{}
	slow.faults = faults
	whole := o
	whole.Open, whole.Results = (&machine{tenant: slow, chance: chance}).open, filepath.Join(t.TempDir(), "whole.csv")
	began := time.Now()
	if _, err := whole.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)

	slow = newSlowTenant(wait, stale)
	slow.faults = faults
	lost, stopped, kept := 0, 0, ""
	for life := range 6 {
		m := &machine{tenant: slow, log: log, chance: chance, delay: delay}
		o := m.on(t, o)
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		stop := make(chan struct{})
		var timer *time.Timer
		end := chance.IntN(6)
		if life < 5 {
			timer = time.AfterFunc(time.Duration(chance.Float64()*float64(took)), func() {
				switch end {
				case 0, 1:
					close(stop)
				case 2:
					cancel(errors.New("enough"))
				default:
					m.mu.Lock()
					m.dead = true
					m.mu.Unlock()
					cancel(errKilled)
				}
			})
		}
		_, err := o.Run(ctx, stop)
		if timer != nil {
			timer.Stop()
		}
		for _, problem := range m.problems {
			t.Error(problem)
		}
		if ctx.Err() != nil {
			lost++ // or stopped without an end of the rows in progress
		}
		if m.dead {
			continue
		}
		if err != nil && !errors.Is(err, ErrInterrupted) {
			t.Fatalf("life %d ended with %v", life, err)
		}
		if _, serr := os.Stat(o.Results); errors.Is(serr, os.ErrNotExist) {
			continue // it was stopped before its first call
		}
		got := records(t, o.Results, true)
		n := min(len(got), len(kept)) // it may have been stopped again before it had recorded as much
		if got[:n] != kept[:n] {
			t.Errorf("the records of a job that was stopped are not those of the next: %s", difference(got, kept))
		}
		if len(got) > n {
			kept = got
		}
		if err != nil {
			stopped++
			continue
		}
		if got, want := records(t, o.Results, false), records(t, whole.Results, false); got != want {
			t.Errorf("after %d machines lost and %d soft stops: %s", lost, stopped, difference(got, want))
		}
		if life == 5 {
			break
		}
	}
	if sets, most := slow.total(), users+lost*o.Workers; sets > most {
		t.Errorf("%d sets of %d users, with %d workers on %d machines that were lost: want at most %d", sets, users, o.Workers, lost, most)
	}
	rows := strings.Count(records(t, whole.Results, false), "\n") - 1
	if results := bytes.Count(bytes.Join(log.messages, nil), []byte(`"done":true`)); results != rows {
		t.Errorf("the log has %d results, want one of each of %d rows", results, rows)
	}
	if len(slow.sets) != users {
		t.Errorf("%d users were set, want %d", len(slow.sets), users)
	}
}

// A job whose log was taken over by another machine appends nothing and sends no set once
// the log has refused it, ends with that error, and the other job completes the results.
func TestTakenOver(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			chance := rand.New(rand.NewPCG(seed, 19))
			const users = 80
			o := optOut(t, nil, users)
			o.ReadFirst, o.Workers = seed%2 == 0, 5
			slow, log := newSlowTenant(50*time.Millisecond, 0), &fakeLog{}
			old := &machine{tenant: slow, log: log, chance: chance, delay: 20 * time.Millisecond}
			ended := make(chan error)
			oldJob, after := old.on(t, o), time.Duration(100+chance.IntN(500))*time.Millisecond
			go func() {
				got, err := oldJob.Run(t.Context(), nil)
				if got.Ending == results.Complete {
					err = errors.New("it is complete")
				}
				ended <- err
			}()
			time.Sleep(after)
			old.mu.Lock()
			old.fenced = true
			old.mu.Unlock()
			fresh := &machine{tenant: slow, log: log, chance: rand.New(rand.NewPCG(seed, 20)), delay: 20 * time.Millisecond}
			got, err := fresh.on(t, o).Run(t.Context(), nil)
			if err != nil || got.Rows.ByStatus[pipeline.Applied]+got.Rows.ByStatus[pipeline.Unchanged] != users {
				t.Errorf("seed %d: the other job ended with %+v, %v", seed, got.Rows, err)
			}
			if err := <-ended; !errors.Is(err, errFenced) {
				t.Errorf("seed %d: the job that was taken over ended with %v, want %v", seed, err, errFenced)
			}
			for _, problem := range old.problems {
				t.Errorf("seed %d: %s", seed, problem)
			}
			if sets := slow.total(); sets > users+o.Workers {
				t.Errorf("seed %d: %d sets, want at most %d", seed, sets, users+o.Workers)
			}
		})
	}
}

// A log takes no more than a tenth longer, with 16 workers, calls of 20 ms and a log that
// takes 2 ms for a message.
func TestRemoteTakesLittleTime(t *testing.T) {
	for _, readFirst := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			o := optOut(t, newLedger(20*time.Millisecond), 1000)
			o.Workers, o.ReadFirst, o.Resume = 16, readFirst, true
			took := func(o Options) time.Duration {
				o.Open, o.Results = newLedger(20*time.Millisecond).open, filepath.Join(t.TempDir(), "results.csv")
				began := time.Now()
				if _, err := o.Run(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				return time.Since(began)
			}
			local := took(o)
			o.Remote = &Remote{Log: logFunc(func([]byte) error { time.Sleep(2 * time.Millisecond); return nil })}
			remote := took(o)
			t.Logf("read first %t: %v with the log, and %v without", readFirst, remote, local)
			if remote > local*110/100 {
				t.Error("it takes too long")
			}
		})
	}
}

// The results of an audit are all in the log, and are appended once a second at most.
func TestRemoteOfAnAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const users = 200
		slow, log := newSlowTenant(50*time.Millisecond, 0), &fakeLog{}
		o := (&machine{tenant: slow, log: log, chance: rand.New(rand.NewPCG(1, 1))}).on(t, optOut(t, nil, users))
		o.Audit = true
		began := time.Now()
		if _, err := o.Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if n, most := len(log.messages), 3+int(time.Since(began)/time.Second); n > most {
			t.Errorf("%d messages, want at most %d", n, most)
		}
		if n := bytes.Count(bytes.Join(log.messages, nil), []byte(`"done":true`)); n != users {
			t.Errorf("the log has %d results, want %d", n, users)
		}
	})
}

// A log of a job with another change is refused, as its results would be. Then nothing is
// sent or appended, and nothing is left on this machine.
func TestRemoteOfAnotherJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, log := newSlowTenant(0, 0), &fakeLog{}
		m := &machine{tenant: slow, log: log, chance: rand.New(rand.NewPCG(1, 1))}
		o := optOut(t, nil, 10)
		if _, err := m.on(t, o).Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		for _, other := range []func(*Options){
			func(o *Options) { o.Wanted.Sets = []string{"PrivacyMode=opt-in"} },
			func(o *Options) { o.ReadFirst = true },
			func(o *Options) { o.Roster = remoteRoster(t, 10) },
		} {
			sets, messages := slow.total(), len(log.messages)
			o := m.on(t, o)
			other(&o)
			_, err := o.Run(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), "made with another") {
				t.Errorf("Run() = %v", err)
			}
			if slow.total() != sets || len(log.messages) != messages {
				t.Error("a set or a message was sent")
			}
			if !results.IsFree(o.Results) {
				t.Error("a file is left on this machine")
			}
		}
	})
}

// Of a log that lacks messages a person is told, and every row has a result all the same.
func TestRemoteDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, log := newSlowTenant(10*time.Millisecond, 0), &fakeLog{}
		m := &machine{tenant: slow, log: log, chance: rand.New(rand.NewPCG(1, 1))}
		o := optOut(t, nil, 20)
		o.ReadFirst = true
		if _, err := m.on(t, o).Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		log.messages = append(log.messages[:2:2], log.messages[5:]...)
		var warnings []string
		o.Observers = []Observer{observerFunc(func(e Event) {
			if w, ok := e.(Warning); ok {
				warnings = append(warnings, w.Text)
			}
		})}
		o = m.on(t, o)
		got, err := o.Run(t.Context(), nil)
		if err != nil || got.Rows.Recorded != 20 {
			t.Errorf("it ended with %+v, %v", got.Rows, err)
		}
		if len(warnings) != 1 || !strings.Contains(warnings[0], "is damaged") {
			t.Errorf("warnings %q", warnings)
		}
	})
}

// A log needs results with a name that can be gone on with.
func TestRemoteOptions(t *testing.T) {
	o := optOut(t, nil, 1)
	o.Resume, o.Remote = true, &Remote{Log: &machine{}}
	if err := o.Check(); err != nil {
		t.Error(err)
	}
	for _, wrong := range []func(*Options){
		func(o *Options) { o.Resume = false },
		func(o *Options) { o.Results = "" },
		func(o *Options) { o.Remote = &Remote{} },
	} {
		o := o
		wrong(&o)
		if o.Check() == nil {
			t.Errorf("%+v was not refused", o)
		}
	}
}
