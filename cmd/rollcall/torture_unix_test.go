//go:build unix

package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A run is killed at random instants, and between two lives an adversary edits
// the roster, damages the results or the journal, or asks for another change. In
// whatever state that leaves it, it is undone, which is killed too.
//
// What the sandbox server has is the truth. Against it:
//
//   - a row that is applied or unchanged is so;
//   - a value before is the one from the beginning, or blank after damage;
//   - a refusal has changed nothing, and another roster or change is refused;
//   - nobody has a value that they neither had nor were to have;
//   - undo puts everybody back or, after damage, says by its status that it may
//     not have: it never exits 0 with somebody left changed.
//
// What a user has is PrivacyMode and the three features, which are mixed at the
// beginning and moved by every set of it. The tenant is the one over HTTPS, and its
// service that of Viva Insights. Where thousands of kills are asked for, a run now
// and then is of thousands of users.
//
// TORTURE is how many kills there are to be, of this test and of
// [TestKilledAtAnyInstant] together. A failure names its seed: TORTURE_SEED tries
// it again, as far as that goes, for what is killed when is not in the seed.
func TestKilledEditedAndUndone(t *testing.T) {
	t.Parallel()
	kills := tortureKills(t)
	first := uint64(time.Now().UnixNano())
	given, err := strconv.ParseUint(os.Getenv("TORTURE_SEED"), 10, 64)
	if err == nil {
		first = given
	}
	program := filepath.Join(t.TempDir(), "rollcall")
	buildProgram(t, program)
	all := &tortureCounts{refused: make(map[string]int), accepted: make(map[string]int)}
	for seed, start := first, time.Now(); all.kills < kills; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			x := newTorture(t, program, seed)
			defer func() {
				all.add(x)
				if t.Failed() {
					t.Logf("again: TORTURE=1 TORTURE_SEED=%d go test ./cmd/rollcall -run TestKilledEditedAndUndone -count 20\n%s", seed, strings.Join(x.story, "\n"))
				}
			}()
			x.run()
		})
		if t.Failed() {
			t.FailNow()
		}
		if all.kills >= kills {
			t.Logf("%v: %v", time.Since(start).Round(time.Second), all)
		}
	}
}

// tortureKills returns how many kills each of the two tests makes.
func tortureKills(t *testing.T) int {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	if n, err := strconv.Atoi(os.Getenv("TORTURE")); err == nil {
		return (n + 1) / 2
	}
	if os.Getenv("LONG") != "" {
		return 10
	}
	return 3
}

// tortureCounts say what came about, so that who reads them sees what was tried.
type tortureCounts struct {
	runs, complete, kills, undoKills, damaged int
	refused, accepted                         map[string]int // lives after the adversary, by what that did
	undone                                    [4]int         // by exit status
}

func (c *tortureCounts) add(x *torture) {
	c.runs++
	c.kills += x.kills
	c.undoKills += x.undoKills
	if x.complete {
		c.complete++
	}
	if x.damaged {
		c.damaged++
	}
	if x.undone >= 0 && x.undone < len(c.undone) {
		c.undone[x.undone]++
	}
	for into, from := range map[*map[string]int]map[string]int{&c.refused: x.refused, &c.accepted: x.accepted} {
		for what, n := range from {
			(*into)[what] += n
		}
	}
}

func (c *tortureCounts) String() string {
	return fmt.Sprintf("%d runs, %d of them complete and %d damaged, %d kills, %d of them of undo; refused after %v; gone on after %v; undo exited with 0, 1, 2, 3: %v",
		c.runs, c.complete, c.damaged, c.kills, c.undoKills, c.refused, c.accepted, c.undone)
}

// A torture is one run, from its first life to its undoing.
type torture struct {
	*testing.T
	rnd     *rand.Rand
	program string
	ledger  *ledger
	roster  string // the files' names
	results string

	pool     []string             // all users
	begun    map[string]flagsOf   // what they had at the beginning
	wanted   map[string][]flagsOf // what was wanted of them beside that, and made of them
	rows     []tortureRow
	change   string // opt-in or opt-out, or "" for the column's
	damaged  bool   // some of what was kept of the run is lost
	complete bool
	older    []tortureFiles // as they were after earlier lives

	kills, undoKills  int
	undone            int // exit status
	refused, accepted map[string]int
	story             []string
}

type tortureRow struct{ upn, mode string }

// flagsOf are what a user has, as a tenant's file and a results file write it:
// PrivacyMode, then IsDashboardEnabled, IsAddInEnabled and IsDigestEmailEnabled.
type flagsOf [4]string

// made returns what a set of PrivacyMode makes of anybody.
func made(mode string) flagsOf {
	on := strconv.FormatBool(mode == "opt-in")
	return flagsOf{mode, on, on, on}
}

// tortureFiles are what a run keeps, nil for what is not there.
type tortureFiles struct{ roster, results, journal, summary []byte }

func newTorture(t *testing.T, program string, seed uint64) *torture {
	dir := t.TempDir()
	x := &torture{T: t, rnd: rand.New(rand.NewPCG(seed, 1)), program: program, undone: -1,
		roster: filepath.Join(dir, "users.csv"), results: filepath.Join(dir, "results.csv"),
		begun: make(map[string]flagsOf), wanted: make(map[string][]flagsOf),
		refused: make(map[string]int), accepted: make(map[string]int)}
	var tenant bytes.Buffer
	fmt.Fprintln(&tenant, "UserPrincipalName,PrivacyMode,IsDashboardEnabled,IsAddInEnabled,IsDigestEmailEnabled")
	users := 120
	if tortureKills(t) > 100 && x.one(8) {
		users = 6000
	}
	for i := range users {
		upn := fmt.Sprintf("user%04d@contoso.onmicrosoft.com", i)
		x.pool = append(x.pool, upn)
		x.begun[upn] = flagsOf{x.mode(), fmt.Sprint(x.one(2)), fmt.Sprint(x.one(2)), fmt.Sprint(x.one(2))}
		f := x.begun[upn]
		fmt.Fprintf(&tenant, "%s,%s\n", upn, strings.Join(f[:], ","))
	}
	for _, i := range x.rnd.Perm(len(x.pool))[:users/6+x.rnd.IntN(users/3)] {
		x.rows = append(x.rows, tortureRow{x.pool[i], x.mode()})
		switch x.rnd.IntN(60) {
		case 0:
			x.rows = append(x.rows, tortureRow{fmt.Sprintf("nobody%d@contoso.onmicrosoft.com", i), x.mode()})
		case 1:
			x.rows = append(x.rows, x.rows[len(x.rows)-1])
		}
	}
	if x.one(2) {
		x.change = x.mode()
	}
	x.writeRoster()
	name := filepath.Join(dir, "tenant.csv")
	x.write(name, tenant.Bytes())
	x.ledger = &ledger{TB: t, program: program, file: name, address: "127.0.0.1:0"}
	x.ledger.start()
	return x
}

func (x *torture) one(in int) bool { return x.rnd.IntN(in) == 0 }

func (x *torture) mode() string {
	if x.one(2) {
		return "opt-in"
	}
	return "opt-out"
}

func (x *torture) say(format string, args ...any) {
	x.story = append(x.story, fmt.Sprintf(format, args...))
}

func (x *torture) writeRoster() {
	var b bytes.Buffer
	fmt.Fprintln(&b, "UserPrincipalName,UsageLocation,Mode")
	for i, r := range x.rows {
		fmt.Fprintf(&b, "%s,%s,%s\n", r.upn, []string{"FR", "US"}[i%2], r.mode)
	}
	x.write(x.roster, b.Bytes())
}

func (x *torture) write(name string, b []byte) {
	err := os.RemoveAll(name)
	if err == nil && b != nil {
		err = os.WriteFile(name, b, 0o600)
	}
	if err != nil {
		x.Fatal(err)
	}
}

func (x *torture) files() (f tortureFiles) {
	f.roster, _ = os.ReadFile(x.roster)
	f.results, _ = os.ReadFile(x.results)
	f.journal, _ = os.ReadFile(x.results + ".journal")
	f.summary, _ = os.ReadFile(x.results + ".json")
	return f
}

func (x *torture) putBack(f tortureFiles) {
	x.write(x.roster, f.roster)
	x.write(x.results, f.results)
	x.write(x.results+".journal", f.journal)
	x.write(x.results+".json", f.summary)
}

func (f tortureFiles) equal(g tortureFiles) bool {
	same := func(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }
	return same(f.roster, g.roster) && same(f.results, g.results) && same(f.journal, g.journal) && same(f.summary, g.summary)
}

// run makes lives until the run is complete or given up, and undoes it.
func (x *torture) run() {
	x.say("%d rows, change %q", len(x.rows), x.change)
	for life := 0; ; life++ {
		if life > 40 {
			x.Fatal("no end after 40 lives")
		}
		x.older = append(x.older, x.files())
		if life > 0 && x.rnd.IntN(5) < 2 {
			if x.tampered() {
				break
			}
		} else {
			x.want()
			end := x.live(x.command())
			x.checkEnd(end, exitOK, exitRows, exitTerminated)
			x.complete = end.code == exitOK || end.code == exitRows
		}
		if x.Failed() {
			return
		}
		if x.complete && !x.one(4) || x.one(12) {
			break
		}
	}
	if !x.Failed() {
		x.undo()
	}
}

// want notes what the roster and the change, as they are, want.
func (x *torture) want() {
	for _, r := range x.rows {
		x.wanted[r.upn] = append(x.wanted[r.upn], made(x.wantedOf(r)))
	}
}

func (x *torture) wantedOf(r tortureRow) string {
	if x.change != "" {
		return x.change
	}
	return r.mode
}

func (x *torture) command() []string {
	args := []string{"apply", x.roster, "-o", x.results, "--read-first", "--resume", "--yes"}
	if x.change != "" {
		args = append(args, "--privacy-mode", x.change)
	} else {
		args = append(args, "--set", "PrivacyMode=@Mode")
	}
	return append(args, x.common()...)
}

func (x *torture) common() []string {
	return []string{"--tenant", "exchange", "--endpoint", "http://" + x.ledger.address, "--organization", organization,
		"--workers", strconv.Itoa(3 + x.rnd.IntN(10)), "--timeout", "500ms", "--retries", "8"}
}

// tampered makes a life of what the adversary has left, which may be refused: then
// what was done is taken back. It reports whether the run ends there.
func (x *torture) tampered() (over bool) {
	was, rows, change := x.files(), x.rows, x.change
	begun := was.journal != nil || was.summary != nil // with a header alone it is not
	what, damage := x.tamper(was)
	edited := x.files()
	// What the life does is then all that the server has been asked.
	x.ledger.restart()
	users := x.ledger.users()
	end := x.live(x.command())
	same := x.files().equal(edited)
	sets := x.ledger.restart()
	if end.code != exitError {
		x.want()
	}
	switch {
	case end.code == exitError:
		if !same {
			x.Errorf("%s: refused, and yet the files are not as they were\n%s", what, end.said)
		}
		if sets > 0 || !maps.Equal(x.ledger.users(), users) {
			x.Errorf("%s: refused, and yet %d sets were sent\n%s", what, sets, end.said)
		}
		if what == "nothing" {
			x.Errorf("refused, and nothing was done to it\n%s", end.said)
		}
		x.checkEnd(end, exitError)
		x.refused[what]++
	case same && sets == 0 && !end.ended(): // it did not come to that
		x.checkEnd(end, exitTerminated)
	default:
		x.damaged = x.damaged || damage
		x.checkEnd(end, exitOK, exitRows, exitTerminated)
		if begun && !damage && what != "nothing" {
			x.Errorf("%s: not refused\n%s", what, end.said)
		}
		x.complete = end.code == exitOK || end.code == exitRows
		x.accepted[what]++
		return false
	}
	if damage && x.one(4) {
		x.say("the run ends there")
		x.damaged, x.complete = true, false
		return true
	}
	x.putBack(was)
	x.rows, x.change = rows, change
	return false
}

// tamper does what an adversary does, and says what. Damage is what may cost
// values before.
func (x *torture) tamper(f tortureFiles) (what string, damage bool) {
	defer func() { x.say("adversary: %s", what) }()
	switch x.rnd.IntN(9) {
	case 0, 1:
		x.rows = slices.Clone(x.rows)
		in := make(map[string]bool)
		for _, r := range x.rows {
			in[r.upn] = true
		}
		var others []string
		for _, upn := range x.pool {
			if !in[upn] {
				others = append(others, upn)
			}
		}
		first, step, what := 0, 2, "every other user is replaced"
		if x.one(2) {
			first, step, what = x.rnd.IntN(len(x.rows)), len(x.rows), "a user is corrected"
		}
		for i := first; i < len(x.rows) && len(others) > 0; i += step {
			x.rows[i].upn, others = others[0], others[1:]
		}
		x.writeRoster()
		return what, false
	case 2:
		if x.change == "" {
			x.rows = slices.Clone(x.rows)
			r := &x.rows[x.rnd.IntN(len(x.rows))]
			r.mode = map[string]string{"opt-in": "opt-out", "opt-out": "opt-in"}[r.mode]
			x.writeRoster()
			return "another value is wanted of a user", false
		}
		x.change = map[string]string{"opt-in": "opt-out", "opt-out": "opt-in"}[x.change]
		return "another value is wanted", false
	case 3:
		x.rows = append(slices.Clone(x.rows), tortureRow{x.pool[x.rnd.IntN(len(x.pool))], x.mode()})
		x.writeRoster()
		return "a row is added", false
	}

	name, is, old := x.results, f.results, func(f tortureFiles) []byte { return f.results }
	if x.one(2) {
		name, is, old = x.results+".journal", f.journal, func(f tortureFiles) []byte { return f.journal }
	}
	// Of a complete run without its results nothing says that it ever was.
	if len(is) == 0 || f.journal == nil && len(f.results) == 0 {
		return "nothing", false
	}
	kind := "the results file"
	if name != x.results {
		kind = "the journal"
	}
	switch x.rnd.IntN(4) {
	case 0:
		if f.journal == nil {
			return "nothing", false
		}
		x.write(name, nil)
		return kind + " is removed", true
	case 1:
		x.write(name, is[:x.place(is)])
		if f.journal == nil && x.size(name) == 0 {
			x.write(name, is)
			return "nothing", false
		}
		return kind + " is cut", true
	case 2:
		b := slices.Clone(is)
		at := x.place(is)
		b[at] ^= 1 << x.rnd.IntN(8)
		x.write(name, b)
		x.say("byte %d of %d: %q is %q", at, len(is), is[max(0, at-40):min(len(is), at+20)], b[at])
		return kind + " has another bit", true
	}
	b := old(x.older[x.rnd.IntN(len(x.older))])
	if b == nil || bytes.Equal(b, is) || f.journal == nil && len(b) == 0 {
		return "nothing", false
	}
	x.write(name, b)
	return kind + " is an older one", true
}

func (x *torture) size(name string) int {
	b, _ := os.ReadFile(name)
	return len(b)
}

// place returns a place in b, often near the end of what is not room.
func (x *torture) place(b []byte) int {
	written := len(bytes.TrimRight(b, "\x00"))
	switch {
	case x.one(8):
		return x.rnd.IntN(len(b))
	case x.one(2):
		return max(0, written-1-x.rnd.IntN(2000))
	}
	return x.rnd.IntN(max(1, written))
}

// An end is how a life ended.
type end struct {
	code int // exit status, or -1 if a signal ended it
	said string
}

// ended reports whether the process came to an end of its own: it was not cut
// short.
func (e end) ended() bool { return e.code == exitOK || e.code == exitRows }

// live runs the program, and mostly kills it.
func (x *torture) live(args []string) end {
	x.Helper()
	cmd := exec.Command(x.program, args...)
	cmd.Env = tortureEnvironment()
	var said bytes.Buffer
	cmd.Stderr = &said
	start := time.Now()
	if err := cmd.Start(); err != nil {
		x.Fatal(err)
	}
	within := []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second}[x.rnd.IntN(4)]
	at, again := time.Duration(x.rnd.Int64N(int64(within))), time.Duration(x.rnd.Int64N(int64(50*time.Millisecond)))
	const patience = 5 * time.Minute
	how := "left alone"
	var timers []*time.Timer
	signal := func(d time.Duration, s os.Signal) {
		timers = append(timers, time.AfterFunc(d, func() { cmd.Process.Signal(s) }))
	}
	limit := patience
	n := x.rnd.IntN(12)
	if args[0] == "undo" && x.one(2) {
		n = 11
	}
	switch {
	case n < 8:
		how = "killed"
		signal(at, syscall.SIGKILL)
	case n < 9:
		how = "terminated"
		limit += at
		signal(at, syscall.SIGTERM)
	case n < 10:
		how = "terminated twice"
		limit += at
		signal(at, syscall.SIGTERM)
		signal(at+again, syscall.SIGTERM)
	}
	stuck := time.AfterFunc(limit, func() { cmd.Process.Signal(syscall.SIGQUIT) }) // which shows where
	cmd.Wait()
	if !stuck.Stop() {
		x.Errorf("%s after %v, it did not end within %v\n%s", how, at, limit, said.String())
	}
	for _, timer := range timers {
		timer.Stop()
	}
	e := end{code: cmd.ProcessState.ExitCode(), said: said.String()}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() && status.Signal() == syscall.SIGKILL {
		x.kills++
		if args[0] == "undo" {
			x.undoKills++
		}
	}
	x.say("%s: %s, after %v of %v: %v; files: %s", strings.Join(args, " "), how, at.Round(time.Millisecond), time.Since(start).Round(time.Millisecond), cmd.ProcessState, x.sizes())
	x.say("%s", strings.TrimSpace(e.said))
	return e
}

func (x *torture) sizes() string {
	var sizes []string
	for _, name := range []string{".csv", ".csv.journal", ".csv.json"} {
		if info, err := os.Stat(strings.TrimSuffix(x.results, ".csv") + name); err == nil {
			sizes = append(sizes, fmt.Sprintf("%s %d", name, info.Size()))
		}
	}
	return strings.Join(sizes, ", ")
}

func tortureEnvironment() []string { return append(os.Environ(), tokenVariable+"=token-8d2f") }

var crash = regexp.MustCompile(`(?m)^panic:|^fatal error:|^goroutine \d+ |runtime error:|^SIG[A-Z]+:`)

// checkEnd checks how a life ended, which may be with those statuses, and what it
// has left.
func (x *torture) checkEnd(e end, statuses ...int) {
	x.Helper()
	if crash.MatchString(e.said) {
		x.Errorf("it crashed:\n%s", e.said)
	}
	if e.code >= 0 && !slices.Contains(statuses, e.code) {
		x.Errorf("exit status %d, want one of %v\n%s", e.code, statuses, e.said)
	}
	if e.code == exitError {
		return
	}
	x.ledger.restart()
	users := x.ledger.users()
	x.checkUsers(users)
	if e.code >= 0 {
		x.checkResults(users)
	}
}

// checkUsers checks that nobody has what they are not to have.
func (x *torture) checkUsers(users map[string]flagsOf) {
	x.Helper()
	for upn, is := range users {
		if is != x.begun[upn] && !slices.Contains(x.wanted[upn], is) {
			x.Errorf("%s is %s, was %s, and was to be %q", upn, is, x.begun[upn], x.wanted[upn])
		}
	}
}

// checkFlags checks that nobody has anything that they are not to have, be it a part
// of what was to be put back.
func (x *torture) checkFlags(users map[string]flagsOf) {
	x.Helper()
	for upn, is := range users {
		for i, value := range is {
			if value != x.begun[upn][i] && !slices.ContainsFunc(x.wanted[upn], func(w flagsOf) bool { return w[i] == value }) {
				x.Errorf("%s is %s, was %s, and was to be %q", upn, is, x.begun[upn], x.wanted[upn])
				break
			}
		}
	}
}

// checkResults checks what the results say of users.
func (x *torture) checkResults(users map[string]flagsOf) {
	x.Helper()
	wanted := make(map[string]string)
	for _, r := range x.rows {
		wanted[r.upn] = x.wantedOf(r)
	}
	for _, r := range x.records(x.results) {
		upn, status := r[1], r[2]
		is, before := flagsOf{r[3], r[6], r[8], r[10]}, flagsOf{r[5], r[7], r[9], r[11]}
		switch {
		case status != "applied" && status != "unchanged":
			continue
		case users[upn][0] != wanted[upn] || wanted[upn] == "" || users[upn] != is:
			x.Errorf("the results have %q, and the server has %s %s, wanted %s", r, upn, users[upn], wanted[upn])
		case status == "unchanged" && users[upn] != x.begun[upn]:
			x.Errorf("the results have %q, and %s was %s at the beginning", r, upn, x.begun[upn])
		}
		for i, value := range before {
			if value == "" && x.damaged || status == "unchanged" && x.damaged {
				continue
			}
			if value != x.begun[upn][i] {
				x.Errorf("the results have %q, and %s was %s at the beginning", r, upn, x.begun[upn])
				break
			}
		}
	}
}

// records returns the whole records of a results file.
func (x *torture) records(name string) [][]string {
	x.Helper()
	b, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return nil
	} else if err != nil {
		x.Fatal(err)
	}
	b = b[:bytes.LastIndexByte(b, '\n')+1]
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil && !x.damaged {
		x.Errorf("%s: %v", name, err)
	}
	if len(records) > 0 {
		records = records[1:]
	}
	return records
}

// undoneMark is what an undo adds to the summary of the run that it undoes.
var undoneMark = regexp.MustCompile(`\n *"undone": "[^"]+",`)

// undo undoes the run, and kills that as well.
func (x *torture) undo() {
	undone := filepath.Join(filepath.Dir(x.results), "undone.csv")
	args := append([]string{"undo", x.results, "-o", undone, "--yes", "--resume"}, x.common()...)
	was := x.files()
	users := x.ledger.users()
	var e end
	for life := 0; e.code < 0 || life == 0 || e.code == exitTerminated; life++ {
		if life > 40 {
			x.Fatal("no end after 40 lives of undo")
		}
		x.ledger.restart()
		e = x.live(args)
		if x.Failed() {
			return
		}
	}
	x.undone = e.code
	if crash.MatchString(e.said) {
		x.Errorf("it crashed:\n%s", e.said)
	}
	if !slices.Contains([]int{exitOK, exitError, exitRows}, e.code) {
		x.Errorf("undo: exit status %d\n%s", e.code, e.said)
	}
	now := x.files()
	now.summary = undoneMark.ReplaceAll(now.summary, nil)
	if !now.equal(was) {
		x.Error("undo has changed the files of the run that it undid")
	}
	sets := x.ledger.restart()
	is := x.ledger.users()
	x.checkFlags(is)
	if e.code == exitError && (sets > 0 || !maps.Equal(users, is)) {
		x.Errorf("undo refused, and yet %d sets were sent\n%s", sets, e.said)
	}
	for upn, was := range x.begun {
		if is[upn] != was && (e.code == exitOK || !x.damaged) {
			x.Errorf("undo exited with %d, and %s is left %s: %s at the beginning\n%s", e.code, upn, is[upn], was, e.said)
		}
	}
	if e.code == exitRows && !x.damaged {
		x.Errorf("undo could not do all of a run whose files are whole\n%s", e.said)
	}
	for _, r := range x.records(undone) {
		upn, status := r[1], r[2]
		if put := (flagsOf{r[3], r[6], r[9], r[12]}); (status == "applied" || status == "unchanged") && is[upn] != put {
			x.Errorf("undo has %q, and the server has %s %s", r, upn, is[upn])
		}
	}
}

// A ledger is a sandbox server in a process of its own, whose file says, whenever
// it has been stopped, what every user has.
type ledger struct {
	testing.TB
	program, file, address string
	stop                   func() string
	seed                   int
}

func (l *ledger) start() {
	l.Helper()
	l.seed++
	endpoint, stop := startServer(l, l.program, l.file, "--listen", l.address, "--seed", strconv.Itoa(l.seed),
		"--latency", "1ms", "--jitter", "10ms", "--fault", "503:0.02", "--fault", "lost:0.03", "--fault", "hang:0.002", "--fault", "truncated:0.02")
	l.address, l.stop = strings.TrimPrefix(endpoint, "http://"), stop
}

// restart stops the server and starts another one at the same address. It returns
// how many sets the first one was asked for. All that was under way is done.
func (l *ledger) restart() (sets int) {
	l.Helper()
	counts := l.stop()
	l.start()
	return countOf(l, counts, "Set-MyAnalyticsFeatureConfig")
}

// users returns what everybody had when the server was last stopped.
func (l *ledger) users() map[string]flagsOf {
	l.Helper()
	b, err := os.ReadFile(l.file)
	if err != nil {
		l.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		l.Fatal(err)
	}
	users := make(map[string]flagsOf)
	for _, r := range records[1:] {
		users[r[0]] = flagsOf(r[1:5])
	}
	return users
}
