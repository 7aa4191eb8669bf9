package results

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline/roster"
)

// TestAdversary makes runs from seeds as [TestSimulation] does, and between any
// two processes, and at the end, somebody may edit the roster, ask for something
// else, or cut, damage, remove or replace the results file and the journal: see
// [adversary.edit]. The next process is one that goes on with what is then there.
// If it refuses that, it must have changed nothing and called nobody, and the
// edit is taken back or the run abandoned. Whatever the run has come to, it is
// undone at the end as the program undoes it, by processes that may be killed too.
//
// What the tenant knows is what counts:
//
//	no result says of a user what is not so
//	no value before is that of another user, or of another time
//	an undo ends with 0 only if every user is as before the first process
//	an undo sets nobody whom no process set, and to no other value than the first
//	a run that nobody interfered with can be undone to the last user
//
// Not looked for is what nothing on the disk can tell:
//
//	all files at once, the summary included, are put back to what they were
//	the summary is removed, emptied or replaced together with the journal
//	lines of the journal of another run are put in where this one has none, of
//	rows that it had not begun: undo puts back those users, too, as that run found
//	them
//	the file of another run, its journal and its summary are put there
//	a run that is complete is made again, for somebody removed its results
//	a results file that is known not to be what its run left names somebody whom
//	the run did not set, as one that an administrator has edited may: undo works
//	on that and does not end with 0
//	a bit flips in a results file behind the last mark of the journal, in the last
//	second ahead of a kill, and what it makes is a record of the same user: it
//	is taken for what the run left
//	a journal is put back to what it was earlier in the life of the same process
//
// Each of these breakages makes it fail, in one of some hundred to some thousand
// seeds:
//
//	an entry of another user is taken up; two users on one line are no damage
//	the checksums of the journal, its size, or the mark are not looked at
//	damage, or results that are gone, make no row unsure; unsure rows are not, or
//	only until the next process, or say that no set was sent when a read fails
//	the ID of the summary, the roster or the manifest is not compared
//	a run of which only the summary is left is begun anew with another roster
//	undo passes over unverified rows, or those in progress; takes a user of whom
//	one property was set for stale; has no doubt for damage, for another SHA-256,
//	for another beginning than the mark's, for rows that a lost journal had; does
//	not compare records behind the mark with the journal
//
// These do not, for something else notices: undo does not compare the summary's ID
// with the journal's; a summary that says running is no doubt (it has no SHA-256).
func TestAdversary(t *testing.T) {
	simSeedsOf(t, 2000, func(t *testing.T, seed uint64, dir string) { newAdversary(t, seed, dir).play() })
}

// An adversary is a run, and somebody who interferes with it.
type adversary struct {
	*simulation
	other   files    // what another run, of other users, left
	history []files  // what processes left, the last last
	edits   []string // all that was done to the run
	edited  bool     // by somebody
	spoilt  bool     // the results file is not what the run left
	spare   []string // users whom nobody wants anything of yet
}

func newAdversary(t *testing.T, seed uint64, dir string) *adversary {
	a := &adversary{simulation: newSimulation(t, 20*seed, filepath.Join(dir, "results.csv"), false)} // 20 makes none big
	a.audit, a.tenant.audit, a.adverse, a.tenant.adverse = false, false, true, true
	a.readFirst = a.chance.IntN(5) > 0
	a.describe()
	a.history = []files{{}}
	others := slices.Clone(a.rows[:min(len(a.rows), 10)])
	for i := range others {
		others[i].UPN, others[i].Verdict, others[i].Reason = fmt.Sprintf("other%d@contoso.com", i), roster.Usable, ""
	}
	more := slices.Clone(others)
	for i := range more {
		more[i].UPN = fmt.Sprintf("spare%d@contoso.com", i)
		a.spare = append(a.spare, more[i].UPN)
	}
	for _, rows := range [][]roster.Row{others, more} {
		wanted := make(map[string]map[string]string)
		for _, row := range rows {
			wanted[row.UPN] = map[string]string{}
		}
		maps.Copy(a.tenant.users, simUsers(rand.New(rand.NewPCG(seed, 2)), rows, wanted, false))
	}
	o := *a.simulation
	o.name, o.rows = filepath.Join(dir, "other.csv"), others
	o.describe()
	o.process(interruption{kind: "kill", events: 1 + a.chance.IntN(60)}, 1)
	a.other = o.read()
	return a
}

// describe has the manifest say what the rows are, as the roster says it.
func (s *simulation) describe() {
	s.manifest.Rows, s.manifest.Digest, s.manifest.Befores = len(s.rows), simDigest(s.rows), s.readFirst
}

// play makes the run, and undoes it.
func (a *adversary) play() {
	defer func() {
		if a.t.Failed() {
			a.t.Logf("what was done:\n\t%s", strings.Join(a.edits, "\n\t"))
		}
	}()
	complete := false
	for n := 0; !complete && !a.t.Failed(); n++ {
		i := interruption{}
		if n < len(a.interruptions) {
			i = a.interruptions[n]
		}
		if n > 0 && a.chance.IntN(5) == 0 {
			break // nobody goes on with it
		}
		var gone bool
		if complete, gone = a.next(i); gone {
			break
		}
	}
	if a.t.Failed() {
		return
	}
	if a.chance.IntN(2) == 0 {
		a.meddle()
	}
	a.undo()
}

// next makes the next process, perhaps of what was edited, and reports whether
// the run is abandoned for what became of it.
func (a *adversary) next(i interruption) (complete, gone bool) {
	was, rows, m := a.read(), a.rows, a.manifest
	edited := a.meddle()
	is, calls := a.read(), a.tenant.calls
	complete, err := a.live(i, 1+a.chance.IntN(8))
	a.edits = append(a.edits, fmt.Sprintf("a process (%+v): complete: %v, %v", i, complete, err))
	if err == nil {
		if m.Change != a.manifest.Change || m.Noun != a.manifest.Noun || m.Tenant != a.manifest.Tenant {
			a.t.Errorf("gone on with in spite of %s", edited)
		}
		a.look()
		a.history = append(a.history, a.read())
		return complete, false
	}
	if a.tenant.calls != calls {
		a.t.Errorf("refused (%v), and yet called somebody", err)
	}
	if !reflect.DeepEqual(a.read(), is) {
		a.t.Errorf("refused (%v), and yet changed", err)
	}
	if edited == "" {
		a.t.Errorf("the files can't be gone on with, and nobody has touched them: %v", err)
	}
	a.rows, a.manifest = rows, m
	if a.chance.IntN(4) == 0 {
		a.edits = append(a.edits, "abandoned")
		return false, true
	}
	a.write(was)
	a.spoilt = false
	a.edits = append(a.edits, "taken back")
	return false, false
}

// meddle edits what is there, or not, and says what it did.
func (a *adversary) meddle() (edited string) {
	var all []string
	for range simPick(a.chance, 0, 0, 0, 1, 1, 1, 1, 2, 3) {
		f := a.read()
		if did := a.edit(&f); did != "" {
			a.write(f)
			all = append(all, did)
		}
	}
	edited = strings.Join(all, "; ")
	if edited != "" {
		a.edited = true
		a.edits = append(a.edits, edited)
	}
	return edited
}

// simSeedsOf runs play for seeds, each in virtual time: so many, or less where
// that would take too long.
func simSeedsOf(t *testing.T, seeds int, play func(t *testing.T, seed uint64, dir string)) {
	simTempDir(t)
	// There is little garbage at a time, and much in all.
	percent := debug.SetGCPercent(800)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	if seeds /= 2; os.Getenv("LONG") == "" {
		seeds /= 10
	}
	switch {
	case simRace():
		seeds = min(seeds, 100)
	case testing.Short():
		seeds = min(seeds, 300)
	}
	if *simSeeds > 0 {
		seeds = *simSeeds
	}
	name := t.Name()
	for i := range seeds {
		seed := *simFirst + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			defer func() {
				if t.Failed() {
					t.Logf("again: go test ./pipeline/results -run %s -seed %d -seeds 1 -count 20", name, seed)
				}
			}()
			synctest.Test(t, func(t *testing.T) { play(t, seed, dir) })
		})
	}
}

// settle lets the tenant show what was set.
func (s *simTenant) settle() { time.Sleep(s.lag + time.Second) }
