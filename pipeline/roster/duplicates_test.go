package roster

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"testing"
)

// weakHashes put users together that are not the same: all, many, and a few.
var weakHashes = map[string]func([]byte) uint64{
	"all":  func([]byte) uint64 { return 0 },
	"len":  func(b []byte) uint64 { return uint64(len(b)) << 57 },
	"some": func(b []byte) uint64 { return uint64(b[len("user")]%4)<<62 | uint64(b[len("user")+1]%4) },
	"ends": func(b []byte) uint64 { return -uint64(b[len("user")] & 1) },
}

// Whatever the hash, the verdicts are those of a map of all users.
func TestVerdictsEqualNaive(t *testing.T) {
	seed := maphash.MakeSeed()
	weakHashes["good"] = func(b []byte) uint64 { return maphash.Bytes(seed, b) }
	for name, hash := range weakHashes {
		for round := range uint64(60) {
			rnd := rand.New(rand.NewPCG(round, 7))
			text, wants := randomRoster(rnd), round%3 > 0
			var asks func(*Row) (string, error)
			if wants {
				asks = func(row *Row) (string, error) {
					if row.Cells[1] == "bad" {
						return "", errors.New("asks for nonsense")
					}
					return row.Cells[1], nil
				}
			}
			r, err := open(func() (*source, error) { return spool("-", strings.NewReader(text)) }, Options{}, hash)
			if err == nil {
				err = r.Survey(asks)
			}
			if err != nil {
				t.Fatalf("hash %s: %v in\n%s", name, err, text)
			}
			rows := readAll(t, r)
			want := naive(rows, wants)
			for i, row := range rows {
				if row.Verdict != want[i].Verdict || row.Reason != want[i].Reason {
					t.Fatalf("hash %s: line %d is %s (%s); want %s (%s) in\n%s", name, row.Line, row.Verdict, row.Reason, want[i].Verdict, want[i].Reason, text)
				}
			}
			if d := r.Description(); !sameCounts(d, tally(want)) {
				t.Fatalf("hash %s: described as %+v; want %+v in\n%s", name, d, tally(want), text)
			}
			r.Close()
		}
	}
}

// randomRoster returns a roster in which users have several rows, some quoted,
// some invalid, in either case.
func randomRoster(rnd *rand.Rand) string {
	var b strings.Builder
	b.WriteString("UPN,want,note\nuser999@fabrikam.com,a,\n")
	users := 1 + rnd.IntN(60)
	for range rnd.IntN(300) {
		upn := fmt.Sprintf("user%d@fabrikam.com", rnd.IntN(users))
		switch rnd.IntN(12) {
		case 0:
			upn = strings.ToUpper(upn)
		case 1:
			upn = "\"" + upn + "\""
		case 2:
			upn = " " + upn + " \t"
		case 3:
			upn = "+" + upn
		case 4:
			b.WriteString("\n")
		}
		want := []string{"a", "a", "a", "a", "a", "a", "b", "bad"}[rnd.IntN(8)]
		note := []string{"", "\"two\nlines\"", "\"\"\"quoted\"\" \"", strings.Repeat("long ", 2000)}[min(3, rnd.IntN(40)/10+rnd.IntN(2))]
		if len(note) > 100 && rnd.IntN(20) > 0 {
			note = ""
		}
		fmt.Fprintf(&b, "%s,%s,%s\n", upn, want, note)
	}
	return b.String()
}

// naive judges rows by their text, with a map.
func naive(rows []Row, wants bool) []Row {
	type user struct{ first, differ int }
	users := map[string]*user{}
	judged := make([]Row, len(rows))
	want := func(i int) string {
		if wants {
			return rows[i].Cells[1]
		}
		return ""
	}
	for i, row := range rows {
		judged[i] = Row{Line: row.Line}
		upn, err := ParseUPN(row.Cells[0])
		if err == nil && want(i) == "bad" {
			err = errors.New("asks for nonsense")
		}
		if err != nil {
			judged[i].Verdict, judged[i].Reason = Invalid, err.Error()
			continue
		}
		u := users[strings.ToLower(upn)]
		if u == nil {
			u = &user{first: i}
			users[strings.ToLower(upn)] = u
		}
		if u.differ == 0 && want(u.first) != want(i) {
			u.differ = i
		}
	}
	for i, row := range rows {
		if judged[i].Verdict == Invalid {
			continue
		}
		upn, _ := ParseUPN(row.Cells[0])
		u := users[strings.ToLower(upn)]
		switch first := rows[u.first].Line; {
		case u.differ > 0:
			judged[i].Verdict = Conflict
			judged[i].Reason = fmt.Sprintf("lines %d and %d ask for different things for this user", first, rows[u.differ].Line)
		case u.first != i:
			judged[i].Verdict = Duplicate
			judged[i].Reason = fmt.Sprintf("the same user as on line %d", first)
		}
	}
	return judged
}

// All rows of a user who is wanted two ways are a conflict, also those that
// agree with the first, and no other user's.
func TestConflicts(t *testing.T) {
	text := "UPN,Mode\nada@b.cd,on\nbob@b.cd,on\nADA@b.cd,on\nada@b.cd,off\nbob@b.cd,on\nada@b.cd,on\neve@b.cd,maybe\neve@b.cd,on\n"
	asks := func(row *Row) (string, error) {
		if row.Cells[1] == "maybe" {
			return "", errors.New(`"maybe" is neither on nor off`)
		}
		return row.Cells[1], nil
	}
	r := openWanting(t, text, Options{}, asks)
	want := []string{
		"2 conflict lines 2 and 5 ask for different things for this user",
		"3 usable ",
		"4 conflict lines 2 and 5 ask for different things for this user",
		"5 conflict lines 2 and 5 ask for different things for this user",
		"6 duplicate the same user as on line 3",
		"7 conflict lines 2 and 5 ask for different things for this user",
		`8 invalid "maybe" is neither on nor off`,
		"9 usable ",
	}
	for i, row := range readAll(t, r) {
		if got := fmt.Sprintf("%d %s %s", row.Line, row.Verdict, row.Reason); got != want[i] {
			t.Errorf("got  %s\nwant %s", got, want[i])
		}
	}
	if d := r.Description(); d.Users != 2 || d.Conflicts != 4 || d.Duplicates != 1 || d.Rejected != 1 {
		t.Errorf("described as %s", d)
	}
	r, err := Open(write(t, "UPN,Mode\nada@b.cd,on\nada@b.cd,off\n"), nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Survey(asks); err == nil || !strings.Contains(err.Error(), "no row can be used (2 rows: 0 rejected, 2 conflicts)") {
		t.Errorf("a roster of conflicts alone: %v", err)
	}
}

// A hash that was added twice is returned once, in order, whatever part of the
// set it is in, and no other is.
func TestRepeatedHashes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 2, 100, 200_000} {
		var set hashes
		count := map[uint64]int{}
		repeated := 0
		for i := range n {
			h := rnd.Uint64() | 1
			if i%3 == 0 {
				h = rnd.Uint64N(uint64(n))<<50 | 1
			}
			set.add(h)
			if count[h]++; count[h] == 2 {
				repeated++
			}
		}
		got := set.repeated()
		if len(got) != repeated {
			t.Errorf("of %d: %d repeated; want %d", n, len(got), repeated)
		}
		s := newShared(got, false)
		for i, h := range got {
			if count[h] < 2 || i > 0 && h <= got[i-1] {
				t.Errorf("of %d: %x at %d, added %d times", n, h, i, count[h])
			}
			if s.find(h) != i {
				t.Errorf("of %d: find(%x) = %d; want %d", n, h, s.find(h), i)
			}
		}
		for h, c := range count {
			if c == 1 && s.find(h) >= 0 {
				t.Errorf("of %d: find(%x) = %d, added once", n, h, s.find(h))
			}
		}
	}
}

// Users are told apart also when there are more than firsts keeps.
func TestManyFirstRows(t *testing.T) {
	const users = 3 * len(firsts{}.kept)
	var b strings.Builder
	b.WriteString("UPN\n")
	for i := range 2 * users {
		fmt.Fprintf(&b, "user%d@fabrikam.com\n", i%users)
	}
	if d := openText(t, b.String(), Options{}).Description(); d.Users != users || d.Duplicates != users {
		t.Errorf("got %s; want %d users and as many duplicates", d, users)
	}
}
