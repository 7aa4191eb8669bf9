package results

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/pace"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

var (
	simFirst = flag.Uint64("seed", 0, "the first `SEED` of TestSimulation")
	simSeeds = flag.Int("seeds", 0, "how many seeds TestSimulation tries; 0 is as many as CI has time for")
)

// TestSimulation makes runs from seeds, in virtual time: random rosters, fates of
// users, faults, latencies, stale reads and outages of any length at any instant, on
// which come tokens that expire, kills (what was not written to a file is lost) and power
// cuts (what was not synced may be). Each is gone on with until it is complete,
// and then is to be what a run without interruptions is.
//
// Whole jobs, which are stopped softly or at once, are for the simulation of package
// job. This one makes runs of its own, for only from in here can be seen what File
// knows to be on the disk. So it alone shows that nothing is lost to a power cut,
// to a kill between any two calls of File and while the journal is written anew, and
// that a wrong command is refused and leaves the files as they are.
//
// A seed fixes all of that but the order of what happens in the same instant and
// the jitter of package pipeline, so that one which failed may have to be tried
// several times to fail again. "On the disk" is what File and its journal
// say of themselves: that their calls of Sync are really made can't be seen.
//
// Each of these breakages makes it fail:
//
//	the torn record is not truncated, or the place to go on is the file's end
//	the roster, the manifest or the columns are not compared
//	a bad record that others follow is taken for a torn one
//	a torn last line of the journal is an error
//	a record without its line end is taken for whole; the BOM is not counted
//	the header is written again on resume; the journal is begun again
//	Before is not called, is called behind the set, or returns ahead of the write
//	a value before that is known is read again, or not taken up
//	Done is not called, not honoured, called for a row cut short, loses the error,
//	or is taken for another row's
//	the pause is not waited for, or not looked at again behind the token
//	rows are emitted in the order of completion, or behind a gap
//	rows that are recorded are not counted on resume
//	the journal is never removed, or always
//	rewriting the journal drops all entries, or some that are of use
//	an entry is dropped when its record is still in a buffer
//	results, or the journal, are not flushed; results are synced late, or never
//	there is a worker too many, or a parked one goes on without a place
//	a read-back is not repeated; duplicates are set; an audit applies
//
// These do not: the journal's call of Sync dropped; Done entries that lose the
// values before (which are in the result too). What guards against files and
// rosters that somebody edits is for [TestAdversary].
func TestSimulation(t *testing.T) {
	simSeedsOf(t, 1000, simulate)
}

// simTempDir has temporary directories where a sync costs nothing.
func simTempDir(t *testing.T) {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		t.Setenv("TMPDIR", "/dev/shm")
	}
}

// simRace reports whether the race detector, which makes everything slower, is on.
func simRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// simulate makes a run that is interrupted again and again, and compares what it
// comes to with what one comes to that is not.
func simulate(t *testing.T, seed uint64, dir string) {
	s := newSimulation(t, seed, filepath.Join(dir, "results.csv"), false)
	whole := newSimulation(t, seed, filepath.Join(dir, "whole.csv"), true)
	whole.process(interruption{}, 1+int(seed%8))
	s.addOutage()
	for _, i := range s.interruptions {
		if !s.process(i, 1+s.chance.IntN(8)) && s.chance.IntN(4) == 0 {
			s.refused()
		}
		if t.Failed() {
			return
		}
	}
	for !s.process(interruption{}, 1+s.chance.IntN(8)) && !t.Failed() {
		if !s.guarded {
			t.Error("a run that was left alone is not complete")
		}
	}
	if t.Failed() {
		return
	}
	s.check(whole)
	was, calls := s.read(), s.tenant.calls
	s.process(interruption{}, 1)
	if s.tenant.calls != calls || !bytes.Equal(s.read().results, was.results) {
		t.Error("to go on with a complete file did something")
	}
}

// addOutage has an outage come to some simulations, from now on or later.
func (s *simulation) addOutage() {
	if s.chance.IntN(3) == 0 {
		return
	}
	scale := s.chance.Float64()
	from := time.Now()
	if s.chance.IntN(8) > 0 {
		from = from.Add(time.Duration(scale * scale * scale * float64(simPick(s.chance, time.Second, 10*time.Second, time.Minute))))
	}
	length := time.Duration(s.chance.Float64() * float64(simPick(s.chance, time.Second, time.Minute, 10*time.Minute, 45*time.Minute)))
	s.tenant.outage, s.tenant.replyLost = [2]time.Time{from, from.Add(length)}, s.chance.IntN(3) == 0
}

// An interruption is what a process meets with, if it lives to. At most one of
// the instants is not zero.
type interruption struct {
	kind   string
	after  time.Duration // of the start, or
	events int           // so many events later, or calls
}

// A simulation is a run, from the first process to the last, and where it is made.
type simulation struct {
	t        *testing.T
	name     string // of the results file
	tenant   *simTenant
	rows     []roster.Row
	change   []string
	manifest Manifest
	format   Format
	chance   *rand.Rand
	pace     float64

	audit, readFirst bool
	interruptions    []interruption

	bound   *pipeline.Change // what to make of rows, if that is not change
	adverse bool             // files and rows are edited between processes: see TestAdversary

	guarded bool            // the last process gave up in an outage
	synced  int             // how much of the results file is on the disk
	summary pipeline.Counts // of the last process that was not killed
}

func newSimulation(t *testing.T, seed uint64, name string, calm bool) *simulation {
	chance := rand.New(rand.NewPCG(seed, 1))
	s := &simulation{t: t, name: name, chance: chance, change: simChanges[chance.IntN(len(simChanges))],
		audit: chance.IntN(6) == 0, readFirst: chance.IntN(3) > 0}
	n, big := chance.IntN(61), seed%20 == 7
	if big {
		n, s.audit = 60, false
	}
	s.rows = simRoster(chance, n, s.change[0] == "PrivacyMode=@Mode")
	wanted := simWanted(s.rows, s.change)
	s.tenant = &simTenant{t: t, seed: seed, calm: calm, audit: s.audit, wanted: wanted,
		latency: simPick(chance, 0, time.Millisecond, 100*time.Millisecond, time.Second),
		lag:     simPick(chance, 0, 100*time.Millisecond, 20*time.Second),
		users:   simUsers(chance, s.rows, wanted, big)}
	s.format = Format{Header: simHeader, Excel: chance.IntN(4) == 0}
	if big {
		s.tenant.latency = time.Second
	}
	for _, a := range s.change {
		p, _, _ := strings.Cut(a, "=")
		s.format.Properties = append(s.format.Properties, p)
	}
	setting, _ := tenant.LookupSetting("MyAnalyticsFeatureConfig")
	s.format.Moved = setting.MovedProperties(s.format.Properties)
	s.manifest = Manifest{Run: "apply", Tenant: "contoso", Noun: "MyAnalyticsFeatureConfig", Change: strings.Join(s.change, ", "),
		Rows: n, Excel: s.format.Excel, Digest: simDigest(s.rows), Befores: s.readFirst}
	s.pace = float64(simPick(chance, 0, 0, 2, 20, 1000))
	for range chance.IntN(7) {
		i := interruption{kind: simPick(chance, "expire", "kill", "kill", "kill", "power cut", "power cut")}
		if scale := chance.Float64(); chance.IntN(2) == 0 || i.kind == "expire" {
			i.events = 1 + int(float64(5+5*n)*scale*scale)
			if big {
				i.events = 1 + int(700*scale)
			}
		} else if big {
			i.after = time.Duration(scale * float64(4*time.Minute))
		} else {
			i.after = time.Duration(scale * scale * scale * float64(simPick(chance, time.Second, 10*time.Second, time.Minute)))
		}
		s.interruptions = append(s.interruptions, i)
	}
	if big {
		s.pace = 0
	}
	if calm {
		s.pace, s.interruptions = 0, nil
	}
	return s
}

// files are what stands on the disk: nil for a file that is not there.
type files struct{ results, journal, summary []byte }

func (s *simulation) read() (f files) {
	f.results, _ = os.ReadFile(s.name)
	f.journal, _ = os.ReadFile(journalName(s.name))
	f.summary, _ = os.ReadFile(SummaryName(s.name))
	return f
}

func (s *simulation) write(f files) {
	for name, b := range map[string][]byte{s.name: f.results, journalName(s.name): f.journal, SummaryName(s.name): f.summary} {
		err := os.RemoveAll(name)
		if err == nil && b != nil {
			err = os.WriteFile(name, b, 0o600)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// What files have kept.
type kept struct {
	records int
	rows    map[string]bool     // the users whose rows are recorded, or done
	before  map[string][]string // values before, also of what moves
}

func (s *simulation) kept(f files) kept {
	records, _ := simRecords(f.results)
	k := kept{max(0, len(records)-1), make(map[string]bool), make(map[string][]string)}
	for _, row := range s.rows[:min(len(s.rows), k.records)] {
		k.rows[row.UPN] = true
	}
	for _, text := range simLines(f.journal) {
		var e struct {
			Line   int
			Done   bool
			Before []string
			Moved  []string `json:"moved_before"`
		}
		i := -1
		if json.Unmarshal(text, &e) == nil && e.Line > 0 {
			i = slices.IndexFunc(s.rows, func(r roster.Row) bool { return r.Line == e.Line })
		}
		if i < 0 {
			continue // torn, or the manifest
		}
		upn := s.rows[i].UPN
		if e.Done && s.rows[i].Verdict == roster.Usable { // not a duplicate of one that is not
			k.rows[upn] = true
		}
		if e.Before != nil {
			k.before[upn] = append(e.Before, e.Moved...)
		}
	}
	return k
}

// simLines returns the JSON of the lines of a journal that are as its life wrote
// them, but for the first.
func simLines(b []byte) (texts [][]byte) {
	first, rest, _ := bytes.Cut(b, []byte("\n"))
	var head journalHead
	if text, ok := checkLine("", first); !ok || json.Unmarshal(text, &head) != nil {
		return nil
	}
	for line := range bytes.Lines(rest) {
		if text, ok := checkLine(head.Manifest.ID, bytes.TrimSuffix(line, []byte("\n"))); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// simRecords returns the whole records of a results file, with its header, and
// whether they are all that it has.
func simRecords(b []byte) (records [][]string, whole bool) {
	b = bytes.TrimPrefix(b, []byte(utf8BOM))
	r := csv.NewReader(bytes.NewReader(b))
	for {
		record, err := r.Read()
		if err == io.EOF {
			return records, true
		}
		if err != nil || b[r.InputOffset()-1] != '\n' {
			return records, false
		}
		records = append(records, record)
	}
}

var errKilled = errors.New("killed")

// A simProcess is one process of a simulation: from the start until it is done,
// stopped or killed.
type simProcess struct {
	*simulation
	file    *File
	out     pipeline.Recorder
	counts  pipeline.Counts
	from    *Resumption
	workers int
	i       interruption

	cancel context.CancelCauseFunc
	events atomic.Int64

	// While it is held for reading things happen, and while it is held for
	// writing the world stands still.
	world   sync.RWMutex
	dead    bool
	remains files // of the dead
	died    time.Time
	closed  bool

	// The tenant's.
	now, calls, expires int
	throttled, resume   time.Time // when the tenant said so last, and until when no call may come

	// The emitter's.
	lastSync time.Time // of the results file, as that has it
	unsynced time.Time // since when not all that is in the results file is on the disk, or zero

	begun atomic.Bool // there is a journal

	// The journal's, guarded by its lock.
	journal *os.File // the one it was when
	durable int      // so much of it was on the disk
}

// process makes one process that starts, or goes on, and reports whether the run
// is complete. Whatever has become of the process when it returns, the files are
// as they would be found then.
func (s *simulation) process(i interruption, workers int) (complete bool) {
	complete, err := s.live(i, workers)
	if err != nil {
		s.t.Errorf("the file can't be gone on with: %v", err)
	}
	return complete
}

// live is process, and returns why the files can't be gone on with.
func (s *simulation) live(i interruption, workers int) (complete bool, err error) {
	t := s.t
	p := &simProcess{simulation: s, i: i, workers: workers}
	rows := &simRows{left: s.rows}
	if err := p.open(rows); err != nil {
		return false, err
	}
	p.out = p.file

	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	p.cancel = cancel
	switch {
	case i.after > 0:
		defer time.AfterFunc(i.after, p.kill).Stop()
	case i.kind == "expire":
		p.expires = i.events
	}

	run := &pipeline.Run{Tenant: p, Change: s.made(), Limiter: pace.New(s.pace), Workers: workers,
		Audit: s.audit, ReadFirst: s.readFirst, Retries: 5, VerifyTimeout: 30 * time.Second,
		RowTimeout: 30 * time.Minute, Outages: true,
		Log: zap.NewNop(), Journal: p, Earlier: p.from.Earlier, Unsure: p.from.Unsure}
	p.event()
	if err = p.begin(); err == nil {
		p.event()
		err = run.Do(ctx, rows, p)
	}
	p.event()

	p.world.Lock()
	p.closed = true
	p.world.Unlock()
	p.counts = p.from.Counts
	p.counts.Total = len(s.rows)
	p.counts.Add(&run.Counts)
	complete = p.counts.Left() == 0
	if p.dead {
		p.file.Close()
		s.bury(p)
		return false, nil
	}
	if cerr := p.file.Close(); cerr != nil {
		t.Errorf("close: %v", cerr)
	}
	if err := p.counts.Check(); err != nil {
		t.Error(err)
	}
	if !p.from.Complete {
		p.conclude(complete, run.MaybeSet || p.from.Unsure > 0)
	}
	s.guarded = run.Stopped() != ""
	switch {
	case err == nil && complete:
	case err == nil && s.guarded && !s.tenant.outage[0].IsZero():
	case i.kind == "expire" && errors.Is(err, tenant.Unauthorized):
	default:
		t.Errorf("%s: the run ended with %v, complete: %v", i.kind, err, complete)
	}
	f := s.read()
	s.synced = len(f.results)
	s.survived(p, f, time.Now().Add(1))
	s.summary = p.counts
	s.keep(f)
	return complete, nil
}

// made returns the change that is made, bound to the roster.
func (s *simulation) made() *pipeline.Change {
	if s.bound != nil {
		return s.bound
	}
	change := &pipeline.Change{}
	change.Setting, _ = tenant.LookupSetting(s.manifest.Noun)
	for _, a := range s.change {
		if err := change.Assign(a); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := change.Bind(simColumn); err != nil {
		s.t.Fatal(err)
	}
	return change
}

// open opens the results file as the program does.
func (p *simProcess) open(rows pipeline.Rows) (err error) {
	f := p.read()
	if len(f.results) == 0 && f.journal == nil && !p.adverse && p.chance.IntN(2) == 0 {
		p.from = &Resumption{}
		p.file, err = Create(p.name, false, p.format, p.manifest)
		return err
	}
	p.file, p.from, err = Resume(p.name, p.format, p.manifest, rows)
	if err != nil {
		return err
	}
	if p.adverse {
		return nil
	}
	if n := p.kept(f).records; p.from.Counts.Recorded != n {
		p.t.Errorf("to go on counted %d rows, want the %d that are recorded", p.from.Counts.Recorded, n)
	}
	if is := p.read(); !reflect.DeepEqual(is, f) && len(f.results) > 0 {
		p.t.Error("to look at what is there changed it")
	}
	return nil
}

// begin begins as the program does: the file and the journal are on the disk, and
// a summary that says so, ahead of the first call.
func (p *simProcess) begin() error {
	if p.from.Complete {
		return nil
	}
	return p.alive(func() error {
		if err := p.file.Begin(); err != nil {
			return err
		}
		p.noteJournal(true)
		p.synced, p.lastSync = int(p.file.file.size), p.file.synced
		return WriteSummary(p.name, &Outcome{Ending: Running, Manifest: p.file.Manifest()})
	})
}

// conclude ends as the program does.
func (p *simProcess) conclude(complete, maybeSet bool) {
	o := &Outcome{Ending: Interrupted, Manifest: p.file.Manifest(), Rows: p.counts, MaybeSet: maybeSet, ResultsSHA256: p.file.SHA256()}
	if complete {
		o.Ending = Complete
	}
	if err := WriteSummary(p.name, o); err != nil {
		p.t.Error(err)
	}
	if complete {
		if err := p.file.Finish(); err != nil {
			p.t.Error(err)
		}
	}
}

// event is called wherever something is about to happen, or has happened, in
// the middle of an instant.
func (p *simProcess) event() {
	if n := p.events.Add(1); p.i.after == 0 && p.i.kind != "expire" && n == int64(p.i.events) {
		p.kill()
	}
}

// alive does what do says, unless the process was killed.
func (p *simProcess) alive(do func() error) error {
	p.world.RLock()
	defer p.world.RUnlock()
	if p.dead {
		return errKilled
	}
	return do()
}

// kill ends the process at once. What it has not written to a file is lost.
func (p *simProcess) kill() {
	p.world.Lock()
	defer p.world.Unlock()
	if p.dead || p.closed {
		return
	}
	p.dead, p.died, p.remains = true, time.Now(), p.read()
	p.cancel(errKilled)
}

func (p *simProcess) Record(r *pipeline.Result) error {
	p.event()
	return p.alive(func() error {
		err := p.out.Record(r)
		p.noteJournal(false)
		return err
	})
}

func (p *simProcess) Flush() error {
	p.event()
	err := p.alive(func() error {
		if err := p.out.Flush(); err != nil {
			return err
		}
		p.noteSync()
		if p.begun.Load() {
			p.noteJournal(false)
		}
		return nil
	})
	p.event()
	return err
}

func (p *simProcess) Before(r *pipeline.Result) error {
	p.event()
	err := p.alive(func() error {
		if err := p.file.Before(r); err != nil {
			return err
		}
		p.noteJournal(true)
		return nil
	})
	p.event()
	return err
}

func (p *simProcess) Done(r *pipeline.Result) error {
	p.event()
	return p.alive(func() error {
		err := p.file.Done(r)
		p.noteJournal(false)
		return err
	})
}

// noteSync notes how much of the results file no power cut can take, and sees to
// it that this is all but the last second.
func (p *simProcess) noteSync() {
	size := 0
	if info, err := os.Stat(p.name); err == nil {
		size = int(info.Size())
	}
	if !p.file.unsynced && p.file.synced != p.lastSync {
		p.synced, p.lastSync = size, p.file.synced
	}
	switch {
	case size == p.synced:
		p.unsynced = time.Time{}
	case p.unsynced.IsZero():
		p.unsynced = time.Now()
	case time.Since(p.unsynced) > 1100*time.Millisecond:
		p.t.Errorf("records are not on the disk after %v", time.Since(p.unsynced))
		p.unsynced = time.Now()
	}
}

// noteJournal notes how much of the journal no power cut can take: when one was
// just written anew, or values before just returned, all that it has.
func (p *simProcess) noteJournal(all bool) {
	j := p.file.journal.Load()
	if j == nil {
		return
	}
	p.begun.Store(true)
	j.mu.Lock()
	defer j.mu.Unlock()
	if all || j.f != p.journal {
		p.journal, p.durable = j.f, int(j.size)
	}
}

// bury puts what a process that was killed has left in its place.
func (s *simulation) bury(p *simProcess) {
	f := p.remains
	s.survived(p, f, p.died.Add(-20*time.Millisecond))
	if p.i.kind == "power cut" {
		f.results = s.cut(f.results, s.synced)
		if p.begun.Load() { // or it is an earlier process's, all on the disk
			f.journal = s.lose(f.journal, p.durable)
		}
	}
	s.synced = min(s.synced, len(f.results))
	s.write(f)
	if s.chance.IntN(4) == 0 { // killed while it wrote the journal anew
		os.WriteFile(journalName(s.name)+".new", []byte(strings.Repeat(`{"run`, 50)), 0o600)
	}
	s.keep(f)
}

// cut cuts b short, but for what is on the disk. What is cut off may be left as
// zeros: blocks that were never written.
func (s *simulation) cut(b []byte, durable int) []byte {
	if len(b) <= durable {
		return b
	}
	n := durable + s.chance.IntN(len(b)-durable+1)
	zeros := 0
	if s.chance.IntN(4) == 0 {
		zeros = s.chance.IntN(len(b) - n + 4096)
	}
	return append(b[:n:n], make([]byte, zeros)...)
}

// lose loses of a journal what is not on the disk: blocks that were never written
// are zeros, and the size stays.
func (s *simulation) lose(b []byte, durable int) []byte {
	if len(b) <= durable {
		return b
	}
	b = slices.Clone(b)
	clear(b[durable+s.chance.IntN(len(b)-durable+1):])
	return b
}

// survived fails the test unless f has every row that p had done by then.
func (s *simulation) survived(p *simProcess, f files, by time.Time) {
	if s.adverse {
		return
	}
	kept := s.kept(f)
	for upn, u := range s.tenant.users {
		if u.settled == p && u.at.Before(by) && !kept.rows[upn] {
			s.t.Errorf("%s: the row was done, and is not kept", upn)
		}
	}
}

// keep notes what the files have, which is not to be done again, and looks for
// what they must have.
func (s *simulation) keep(f files) {
	if s.adverse {
		return
	}
	kept := s.kept(f)
	if kept.records < len(s.rows) && kept.records > 0 && f.journal == nil {
		s.t.Errorf("%d of %d rows are recorded, and there is no journal", kept.records, len(s.rows))
	}
	for upn, u := range s.tenant.users {
		u.durable, u.settled = kept.rows[upn], nil
		u.unsure = u.unsure || kept.before[upn] != nil && !u.durable // a set may have been sent
		if !s.readFirst || !u.set || u.durable {
			continue
		}
		before, names := kept.before[upn], slices.Concat(s.format.Properties, s.format.Moved)
		for i, name := range names {
			if len(before) != len(names) || !strings.EqualFold(before[i], tenant.Text(u.first[name])) {
				s.t.Errorf("%s was set, and the journal has %q as the values before, want those of %v", upn, before, u.first)
				break
			}
		}
	}
}

// refused tries to go on with the wrong thing.
func (s *simulation) refused() {
	f := s.read()
	records, _ := simRecords(f.results)
	if len(records) < 3 || f.journal == nil {
		return
	}
	last := len(records) - 2 // the index of the row recorded last
	rows, format, m := slices.Clone(s.rows), s.format, s.manifest
	what := simPick(s.chance, "another user", "another line", "fewer rows", "another change", "other columns", "a bad record")
	switch what {
	case "another user":
		rows[s.chance.IntN(last+1)].UPN += ".de"
	case "another line":
		rows[last].Line++
	case "fewer rows":
		rows = rows[:last]
	case "another change":
		m.Change += ", IsDigestEmailEnabled=true"
	case "other columns":
		format.Header = []string{"UserPrincipalName", "Mode", "Comment"}
	case "a bad record":
		f.results = bytes.Replace(f.results, []byte(","+records[1][2]+","), []byte(",applies,"), 1)
		s.write(f)
	}
	m.Digest = simDigest(rows)
	file, _, err := Resume(s.name, format, m, &simRows{left: rows})
	if err == nil {
		file.Close()
		s.t.Errorf("gone on with in spite of %s", what)
	}
	if is := s.read(); !bytes.Equal(is.results, f.results) || !bytes.Equal(is.journal, f.journal) {
		s.t.Errorf("refused because of %s, and yet changed", what)
	}
	if what == "a bad record" {
		f.results = bytes.Replace(f.results, []byte(",applies,"), []byte(","+records[1][2]+","), 1)
		s.write(f)
	}
}

// check compares what a run came to with what whole did.
func (s *simulation) check(whole *simulation) {
	t, f := s.t, s.read()
	if f.journal != nil {
		t.Errorf("the run is complete, and its journal is still there:\n%s", f.journal)
	}
	got, all := simRecords(f.results)
	want, _ := simRecords(whole.read().results)
	if !all {
		t.Errorf("behind %d records the file has something else", len(got))
	}
	if len(got) != len(want) || len(got) != len(s.rows)+1 {
		t.Fatalf("%d records and a header, want %d", len(got)-1, len(s.rows))
	}
	if len(got) == 0 {
		return
	}
	column := make(map[string]int)
	for i, name := range got[0] {
		column[name] = i
	}
	var counts pipeline.Counts
	counts.Total = len(s.rows)
	for i, row := range s.rows {
		g, w := got[i+1], want[i+1]
		cell := func(name string) string { return g[column[name]] }
		if cell("Row") != fmt.Sprint(row.Line) || cell("UserPrincipalName") != row.UPN {
			t.Fatalf("record %d is of line %s, %s; want line %d, %s", i, cell("Row"), cell("UserPrincipalName"), row.Line, row.UPN)
		}
		if at, err := time.Parse(time.RFC3339, cell("FinishedAt")); err != nil || at.After(time.Now()) {
			t.Errorf("line %d was finished at %q", row.Line, cell("FinishedAt"))
		}
		w[column["Attempts"]], w[column["FinishedAt"]] = cell("Attempts"), cell("FinishedAt")
		if u := s.tenant.users[row.UPN]; u != nil && u.unsure && slices.Contains([]string{"failed", "unverified", "applied"}, cell("Status")) {
			// What was not certain was read, and the row says what is so. That the
			// status is true, if it says that all is well, is looked at below.
			if cell("Status") == "failed" && !strings.Contains(cell("Error"), pipeline.SetSent) {
				t.Errorf("line %d: a set was sent, and the error is %q", row.Line, cell("Error"))
			}
		} else if !slices.Equal(g, w) {
			t.Errorf("line %d is recorded as\n%.300q, want, as without interruptions,\n%.300q", row.Line, g, w)
		}
		status, err := pipeline.ParseStatus(cell("Status"))
		if err != nil {
			t.Error(err)
		}
		counts.Record(&pipeline.Result{Status: status})
		u := s.tenant.users[row.UPN]
		if row.Verdict != roster.Usable || u == nil {
			continue
		}
		if u.fate == obliging && (status == pipeline.Failed || status == pipeline.Unverified || status == pipeline.Unreadable) {
			t.Errorf("line %d is %v for what was the tenant's: %s", row.Line, status, cell("Error"))
		}
		switch status {
		case pipeline.Applied, pipeline.Unchanged:
			if !s.tenant.asWanted(row.UPN, u.values) {
				t.Errorf("line %d is %v, and %s has %v", row.Line, status, row.UPN, u.values)
			}
		case pipeline.NotFound, pipeline.Denied:
			if u.set {
				t.Errorf("line %d is %v, and %s was set", row.Line, status, row.UPN)
			}
		}
		for _, p := range slices.Concat(s.format.Properties, s.format.Moved) {
			if before := cell(p + ".Before"); (before != "" || s.readFirst && status == pipeline.Applied) && !strings.EqualFold(before, tenant.Text(u.first[p])) {
				t.Errorf("line %d: %s.Before is %q, want %v, from before the first set", row.Line, p, before, u.first[p])
			}
		}
	}
	if s.summary != counts {
		t.Errorf("the last process counted %+v, want %+v, as the file has", s.summary, counts)
	}
}

// simDigest tells rosters apart as a roster's digest does.
func simDigest(rows []roster.Row) string {
	h := sha256.New()
	for _, r := range rows {
		fmt.Fprintf(h, "%d %q %q %d\n", r.Line, r.UPN, r.Cells[1], r.Verdict)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
