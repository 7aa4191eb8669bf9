package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
	"rollcall/tenant"
	"rollcall/tenant/connect"
)

// A writer is a tenant that counts what it is asked to write.
type writer struct{ writes int }

func (w *writer) Run(_ context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	if !c.Reads() {
		w.writes++
	}
	return nil, nil
}

// What an audit holds of a tenant can't write, whatever the run may try.
func TestAuditHoldsAReadOnlyTenant(t *testing.T) {
	for _, audit := range []bool{true, false} {
		w := new(writer)
		j := &job{Options: Options{Audit: audit}, Plan: Plan{Tenant: &connect.Tenant{Runner: w}}, from: &results.Resumption{}}
		if err := j.prepare(); err != nil {
			t.Fatal(err)
		}
		_, err := j.run.Tenant.Run(t.Context(), tenant.Cmdlet{Name: "Set-Mailbox", Identity: "ada@contoso.com"})
		if refused := errors.Is(err, tenant.ErrReadOnly); refused != audit || w.writes == 1 == audit {
			t.Errorf("audit %t: refused %t, %d writes", audit, refused, w.writes)
		}
	}
}

// A watcher is an Output that fails where it is told to, and an Observer of
// warnings.
type watcher struct {
	fail   map[string]error
	rows   int
	ended  *results.Outcome
	warned []string
}

func (w *watcher) Open(Plan) error                       { return w.fail["open"] }
func (w *watcher) Begin(*pipeline.Run) error             { return nil }
func (w *watcher) Record(*pipeline.Result) error         { w.rows++; return w.fail["record"] }
func (w *watcher) Flush() error                          { return nil }
func (w *watcher) End(o *results.Outcome, _ error) error { w.ended = o; return w.fail["end"] }
func (w *watcher) Observe(e Event) {
	if e, ok := e.(Warning); ok {
		w.warned = append(w.warned, fmt.Sprint(e.Text, e.Err))
	}
}

// A saved tenant is one that may not be saved in the end.
type saved struct {
	*ledger
	err error
}

func (s saved) Save() error { return s.err }

// Whatever fails, the job says so, whoever is told of its end is told what is so,
// and the results say what was done.
func TestEndIsToldWhateverHappens(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name  string
		fail  string // of the watcher
		save  error  // of the tenant
		stop  bool
		audit bool
		limit int

		want   error
		guard  bool
		ending string
		rows   int
	}{
		{name: "all well", ending: results.Complete, rows: 5},
		{name: "output that can't be opened", fail: "open", want: broken, ending: results.Errored},
		{name: "output that can't be written", fail: "record", want: broken, ending: results.Errored, rows: 1},
		{name: "output that can't be ended", fail: "end", want: broken, ending: results.Errored, rows: 5},
		{name: "tenant that can't be saved", save: broken, want: broken, ending: results.Errored, rows: 5},
		{name: "audit of a tenant that can't be saved", audit: true, save: broken, ending: results.Complete, rows: 5},
		{name: "guard that came with the last row", limit: 5, ending: results.Complete, rows: 5},
		{name: "guard", limit: 2, guard: true, ending: results.Guarded, rows: 2},
		{name: "guard, and an output that can't be ended", limit: 2, fail: "end", guard: true, ending: results.Guarded, rows: 2},
		{name: "guard, and a tenant that can't be saved", limit: 2, save: broken, want: broken, ending: results.Errored, rows: 2},
		{name: "interrupt", stop: true, want: ErrInterrupted, ending: results.Interrupted},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger(time.Millisecond)
				w := &watcher{fail: map[string]error{test.fail: broken}}
				o := optOut(t, l, 5)
				o.Outputs, o.Observers, o.Guards.Limit = []Output{w}, []Observer{w}, test.limit
				o.Workers, o.Audit = 1, test.audit
				o.Open = func(connect.Settings, connect.Options) (*connect.Tenant, error) {
					return &connect.Tenant{Runner: saved{l, test.save}, Name: "ledger"}, nil
				}
				stop := make(chan struct{})
				if test.stop {
					close(stop)
				}
				got, err := o.Run(t.Context(), stop)
				_, guard := errors.AsType[*GuardError](err)
				if guard != test.guard || !guard && !errors.Is(err, test.want) || test.want == nil && !guard && err != nil {
					t.Errorf("error %v, want %v, guard %t", err, test.want, test.guard)
				}
				if got.Ending != test.ending || w.rows != test.rows || (got.Reason == "") != (err == nil) {
					t.Errorf("%s: %q, %d rows told; want %s, %d", got.Ending, got.Reason, w.rows, test.ending, test.rows)
				}
				if (w.ended != nil) != (test.rows > 0) || w.ended != nil && w.ended.Rows != got.Rows {
					t.Errorf("the output was told of %+v, the outcome is %+v", w.ended, got)
				}
				past, perr := results.ReadPast(o.Results)
				switch {
				case test.rows == 0:
					if !errors.Is(perr, os.ErrNotExist) {
						t.Errorf("a job that did nothing left %+v, %v", past, perr)
					}
				case perr != nil || past.Counts.Done() < len(l.sets) || past.Counts.Done() != got.Rows.Done():
					t.Errorf("the file has %+v, %v; %d users were set, and the outcome says %+v", past, perr, len(l.sets), got.Rows)
				}
			})
		})
	}
}

// A meddler does something at the first row.
type meddler struct {
	watcher
	do func()
}

func (m *meddler) Record(r *pipeline.Result) error {
	if m.rows == 0 {
		m.do()
	}
	return m.watcher.Record(r)
}

func (m *meddler) Restart() bool { m.rows = -1000; return true }

// What others do to the files of a run is its error, and what is said is what the
// files have.
func TestFilesThatOthersSpoil(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(t *testing.T, name string)
		want error // nil for any
		told int   // rows of which the output knows in the end
	}{
		{"results are cut", func(t *testing.T, name string) { os.Truncate(name, 10) }, results.ErrLost, -1000},
		{"results are removed", func(t *testing.T, name string) { os.Remove(name) }, results.ErrLost, -1000},
		{"a folder is in the place of the summary", func(t *testing.T, name string) {
			os.Remove(results.SummaryName(name))
			if err := os.MkdirAll(filepath.Join(results.SummaryName(name), "x"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, nil, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := optOut(t, newLedger(time.Millisecond), 5)
				m := &meddler{do: func() { test.do(t, o.Results) }}
				o.Outputs, o.Observers = []Output{m}, []Observer{m}
				got, err := o.Run(t.Context(), nil)
				if err == nil || test.want != nil && !errors.Is(err, test.want) || got.Ending != results.Errored {
					t.Errorf("%v, %s; want %v", err, got.Ending, test.want)
				}
				if test.want != nil && got.Rows.Recorded > 0 || m.rows != test.told {
					t.Errorf("it says %+v, and the output was told of %d rows, want %d", got.Rows, m.rows, test.told)
				}
			})
		})
	}
}

// Ahead of the first call the summary beside the results says that the run is not
// over.
func TestSummaryAheadOfTheFirstCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(time.Millisecond)
		o := optOut(t, l, 1)
		asked := false
		o.Open = func(connect.Settings, connect.Options) (*connect.Tenant, error) {
			return &connect.Tenant{Name: "ledger", Runner: runner(func(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
				asked = true
				if b, err := os.ReadFile(results.SummaryName(o.Results)); err != nil || !strings.Contains(string(b), `"outcome": "running"`) {
					t.Errorf("%v: %s", err, b)
				}
				return l.Run(ctx, c)
			})}, nil
		}
		if _, err := o.Run(t.Context(), nil); err != nil || !asked {
			t.Error(err)
		}
	})
}

type runner func(context.Context, tenant.Cmdlet) ([]tenant.Object, error)

func (f runner) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) { return f(ctx, c) }

// A run that is interrupted while its first set is on the way, or before it has done
// anything of what an earlier one left, leaves what there is to go on with.
func TestNothingIsDiscarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(time.Second)
		o := optOut(t, l, 3)
		o.Resume, o.ReadFirst = true, true
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(1500*time.Millisecond, func() { cancel(errors.New("enough")) }) // read, and set
		got, err := o.Run(ctx, nil)
		if err != ErrInterrupted || got.Rows.InProgress == 0 {
			t.Fatalf("%v, %+v", err, got.Rows)
		}
		was, err := results.ReadPast(o.Results)
		if err != nil || was.Counts.InProgress == 0 {
			t.Fatalf("the files have %+v, %v; want rows in progress", was, err)
		}
		stop := make(chan struct{})
		close(stop)
		if _, err := o.Run(t.Context(), stop); !errors.Is(err, ErrInterrupted) || err == ErrInterrupted {
			t.Errorf("interrupted ahead of the first call: %v", err)
		}
		is, err := results.ReadPast(o.Results)
		if err != nil || is.Counts != was.Counts {
			t.Errorf("the files have %+v, %v; want %+v", is, err, was)
		}
	})
}

// Nobody is asked of what changes nothing, or nobody; and a no is no change.
func TestApproval(t *testing.T) {
	no := errors.New("no")
	for _, test := range []struct {
		name        string
		audit, real bool
		again       bool // all of it is done already
		asked       int
	}{
		{name: "real", real: true, asked: 1},
		{name: "sandbox"},
		{name: "audit", real: true, audit: true},
		{name: "complete", real: true, again: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger(0)
				o := optOut(t, l, 3)
				if o.Resume = true; test.again {
					if _, err := o.Run(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
					clear(l.sets)
				}
				asked := 0
				o.Audit = test.audit
				o.Approve = func(Plan) error { asked++; return no }
				o.Open = func(connect.Settings, connect.Options) (*connect.Tenant, error) {
					return &connect.Tenant{Runner: l, Name: "ledger", Real: test.real}, nil
				}
				_, err := o.Run(t.Context(), nil)
				if asked != test.asked || (err == no) != (test.asked > 0) || (test.asked > 0 || test.audit) && len(l.sets) > 0 {
					t.Errorf("asked %d times, %v, %d users set", asked, err, len(l.sets))
				}
			})
		})
	}
}

// What would change more users than may change is refused ahead of the first set,
// whatever other guards say, and leaves nothing.
func TestMaxChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(0)
		o := optOut(t, l, 5)
		o.ReadFirst, o.Guards.Limit = true, 1
		var err error
		if o.MaxChanges, err = pipeline.ParseShare("3"); err != nil {
			t.Fatal(err)
		}
		got, err := o.Run(t.Context(), nil)
		guard, ok := errors.AsType[*GuardError](err)
		if !ok || guard.Guard != "max-changes" || got.Ending != results.Guarded || len(l.sets) > 0 {
			t.Errorf("%v, %s, %d users set", err, got.Ending, len(l.sets))
		}
		if _, err := os.Stat(o.Results); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it left results: %v", err)
		}
	})
}

// An undo on another tenant than the run was on is refused, and one whose files have
// a gap says that users may be left changed.
func TestUndo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(0)
		o := optOut(t, l, 3)
		o.ReadFirst = true
		if _, err := o.Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		undo := Options{Undo: true, ReadFirst: true, Roster: o.Results, Workers: 1, VerifyTimeout: time.Minute, Open: l.open}
		clear(l.sets)
		other := undo
		other.Settings = connect.Settings{Tenant: connect.Exchange, Organization: "fabrikam.com"}
		other.LockDir = t.TempDir()
		if _, err := other.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "its run was on") || len(l.sets) > 0 {
			t.Errorf("another tenant: %v, %d users set", err, len(l.sets))
		}
		if got, err := undo.Run(t.Context(), nil); err != nil || got.Rows.ByStatus[pipeline.Applied] != 3 || len(l.sets) != 3 {
			t.Errorf("undo: %+v, %v", got.Rows, err)
		}
		// The last record is gone, and the summary knows of it.
		b, err := os.ReadFile(o.Results)
		if err == nil {
			b = b[:strings.LastIndexByte(strings.TrimRight(string(b), "\n"), '\n')+1]
			err = os.WriteFile(o.Results, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := undo.Run(t.Context(), nil)
		if _, left := errors.AsType[*LeftChangedError](err); !left || got.Ending != results.Complete {
			t.Errorf("a file with a gap: %v, %s", err, got.Ending)
		}
	})
}

// An interrupt while changes are counted, the first or a second one, is an interrupt,
// whatever was counted by then. It says what is so: calls were made, and nothing was
// changed.
func TestInterruptedWhileCounting(t *testing.T) {
	for _, soft := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			l := newLedger(100 * time.Millisecond)
			o := optOut(t, l, 100)
			o.ReadFirst = true
			var err error
			if o.MaxChanges, err = pipeline.ParseShare("2"); err != nil {
				t.Fatal(err)
			}
			stop := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(time.Second, func() {
				if soft {
					close(stop)
				} else {
					cancel()
				}
			})
			got, err := o.Run(ctx, stop)
			if !errors.Is(err, ErrInterrupted) || got.Ending != results.Interrupted || len(l.sets) > 0 {
				t.Fatalf("%v, %s, %d users set", err, got.Ending, len(l.sets))
			}
			if want := "interrupted before the first change: nothing was changed, and the same command begins again"; err.Error() != want {
				t.Errorf("error %q, want %q", err, want)
			}
		})
	}
}

// Others are kept from the results until the summary beside them says what came of
// the run.
func TestResultsAreLockedToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := optOut(t, newLedger(0), 1)
		file := lock.Results(o.Results)
		held := false
		o.Sign = func(r *results.Outcome, _ error) {
			if r.Finished.IsZero() {
				return // it is not over
			}
			if l, err := file.Acquire(t.Context(), "another", 0); err != nil {
				held = true
			} else {
				l.Release()
			}
		}
		if _, err := o.Run(t.Context(), nil); err != nil || !held {
			t.Errorf("%v; while the summary is written the results are locked: %t", err, held)
		}
	})
}

// What a job has open, the processes of a tenant among them, is closed while others
// are still kept from the tenant: nothing can write to it when they begin.
func TestLocksOutliveTheTenant(t *testing.T) {
	o := optOut(t, newLedger(0), 1)
	o.Settings = connect.Settings{Tenant: connect.Exchange, Organization: "contoso.com"}
	j := &job{Options: o, ctx: t.Context(), started: time.Now()}
	for _, step := range []func() error{j.check, j.openInput, j.decideChange, j.lockTenant, j.lockResults} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	file, err := lock.Tenant(o.LockDir, j.Settings.LockKey("contoso.com"), DefaultNoun)
	if err != nil {
		t.Fatal(err)
	}
	free := func(f lock.File) bool {
		l, err := f.Acquire(t.Context(), "another", 0)
		if err == nil {
			l.Release()
		}
		return err == nil
	}
	closed := false
	j.onEnd(func() {
		closed = true
		if free(file) || free(lock.Results(o.Results)) {
			t.Error("another run may begin while something is open")
		}
	})
	if _, err := j.end(nil); err != nil {
		t.Fatal(err)
	}
	if !closed || !free(file) || !free(lock.Results(o.Results)) {
		t.Errorf("after the end: closed %t, tenant free %t, results free %t", closed, free(file), free(lock.Results(o.Results)))
	}
}

// A job that can't sign in, because nothing answers for the moment, says that it gave up,
// after how long, and that nothing was changed.
func TestSignInUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(token, []byte("token-8d2f"), 0o600); err != nil {
			t.Fatal(err)
		}
		o := optOut(t, newLedger(0), 5)
		o.Open = nil
		// Nothing listens on the port. To sign in is also to find the service of Viva Insights.
		o.Settings = connect.Settings{Tenant: connect.Exchange, Organization: "contoso.com", Endpoint: "http://127.0.0.1:1", Auth: "token", TokenFile: token, Timeout: 2 * time.Minute, Batch: 1}
		start := time.Now()
		got, err := o.Run(t.Context(), nil)
		e, ok := errors.AsType[*connect.UnansweredError](err)
		if !ok || e.After != time.Since(start) || got.Ending != results.Errored || !strings.HasSuffix(err.Error(), "s): nothing was changed") {
			t.Errorf("%v after %v, %s", err, time.Since(start), got.Ending)
		}
	})
}
