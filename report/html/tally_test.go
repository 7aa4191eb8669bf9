package html

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
)

// A generated run: its format, and what it came to row by row.
func randomResults(r *rand.Rand, n int) (results.Format, []pipeline.Result) {
	f := results.Format{Properties: []string{"PrivacyMode", "IsAddInEnabled"}, UPN: 1,
		Header: []string{"Department", "UPN", "Status", "Initial password", "Name", "Note"}}
	values := append([]string{"opt-in", "opt-out", "", "", "+1", "=1+1"}, hostileToBrowsers...)
	many := r.IntN(2) == 0
	value := func() string {
		if many && r.IntN(3) == 0 {
			return fmt.Sprint("value", r.IntN(1000))
		}
		return values[r.IntN(len(values))]
	}
	all := make([]pipeline.Result, n)
	for i := range all {
		res := pipeline.Result{Status: pipeline.Status(r.IntN(len(pipeline.Statuses))), Attempts: r.IntN(9),
			Finished: time.Unix(1_790_000_000+r.Int64N(1000), 0).UTC()}
		res.Row = roster.Row{Line: i + 2, UPN: fmt.Sprintf("u%d@%s.com", i, strings.Repeat("d", r.IntN(4)))}
		res.Row.Cells = []string{value(), res.Row.UPN, fmt.Sprint(r.IntN(4)), fmt.Sprint("Secret", r.IntN(3)), fmt.Sprint("Name", i), ""}
		for range f.Properties {
			res.Values = append(res.Values, pipeline.Value{Wanted: value(), Before: value(), After: value()})
		}
		if r.IntN(3) == 0 {
			res.Err = errors.New("because of " + value())
		} else if r.IntN(3) == 0 {
			res.Note = value()
		}
		all[i] = res
	}
	return f, all
}

func tallyOf(f results.Format, all []pipeline.Result) *Tally {
	t := NewTally(f)
	for i := range all {
		t.Record(&all[i])
	}
	return t
}

// Each row is counted exactly once wherever it is counted, and what is kept is
// bounded.
func TestTallyAddsUp(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		f, all := randomResults(r, r.IntN(4000))
		tally := tallyOf(f, all)
		if tally.Done() != len(all) {
			t.Fatalf("seed %d: %d rows, want %d", seed, tally.Done(), len(all))
		}
		for i, m := range tally.moves {
			want, got := 0, m.others
			for _, res := range all {
				if res.Values[i].Wanted != "" {
					want++
				}
			}
			for _, n := range m.rows {
				got += n
			}
			if got != want || len(m.rows) > maxMoves {
				t.Errorf("seed %d: %d rows in %d moves, want %d", seed, got, len(m.rows), want)
			}
		}
		for _, c := range tally.columns {
			got := 0
			for _, counts := range c.values {
				for _, n := range counts {
					got += n
				}
			}
			if c.values != nil && got != len(all) || len(c.values) > maxValues {
				t.Errorf("seed %d: column %s: %d rows of %d values, want %d", seed, c.name, got, len(c.values), len(all))
			}
			if strings.Contains(c.name, "password") {
				t.Errorf("seed %d: passwords are counted", seed)
			}
		}
	}
}

// The list never has more than its bound, has of each status the first rows, and
// gives up no row that a person has to look at for one that they need not.
func TestListKeepsWhatMatters(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		var weights [len(pipeline.Statuses)]int
		for i := range weights {
			weights[i] = r.IntN(5) * r.IntN(5)
		}
		weights[r.IntN(len(weights))] += 1 + r.IntN(3000)/(1+r.IntN(100))
		var total [len(pipeline.Statuses)]int
		var l rowList
		n := r.IntN(4 * maxKept)
		for i := range n {
			s := pick(r, weights[:])
			total[s]++
			l.add(&pipeline.Result{Status: pipeline.Status(s), Row: roster.Row{Line: i}})
		}
		rows := l.rows()
		if len(rows) != min(n, maxKept) {
			t.Fatalf("seed %d: %d rows listed of %d", seed, len(rows), n)
		}
		lowest := [3]int{} // the most rows that a status of a rank has
		short := [3]bool{} // a status of the rank has not got all of its rows
		for s, kept := range l.byStatus {
			k := rank(pipeline.Status(s))
			lowest[k] = max(lowest[k], len(kept))
			short[k] = short[k] || len(kept) < total[s]
			for i := 1; i < len(kept); i++ {
				if kept[i].line <= kept[i-1].line {
					t.Errorf("seed %d: rows out of order", seed)
				}
			}
		}
		for s, kept := range l.byStatus {
			k := rank(pipeline.Status(s))
			if len(kept) < total[s] && len(kept) < lowest[k]-1 {
				t.Errorf("seed %d: %d of %d %s rows, and %d of another status", seed, len(kept), total[s], pipeline.Status(s), lowest[k])
			}
		}
		if short[0] && lowest[1]+lowest[2] > 0 || short[1] && lowest[2] > 0 {
			t.Errorf("seed %d: rows are left out for others that matter less", seed)
		}
		for i := 1; i < len(rows); i++ {
			if rank(rows[i].status) < rank(rows[i-1].status) {
				t.Errorf("seed %d: rows that need attention are not first", seed)
			}
		}
	}
}

// A report that is to list all rows does, within a bound, and counts what it leaves
// out.
func TestListAll(t *testing.T) {
	for _, n := range []int{maxKept + 1, MostRows + 3} {
		tally := NewTally(results.Format{})
		tally.ListAll()
		for i := range n {
			tally.Record(&pipeline.Result{Status: pipeline.Applied, Row: roster.Row{Line: i}})
		}
		if got, want := len(tally.list.rows()), min(n, MostRows); got != want || tally.LeftOut() != n-want {
			t.Errorf("of %d rows it lists %d and leaves out %d, want %d", n, got, tally.LeftOut(), want)
		}
	}
}

// A report says which rows are printed, and which are not.
func TestPrinted(t *testing.T) {
	for _, test := range []struct {
		failed, applied int
		all             bool
		want            string
	}{
		{0, 0, false, ""},
		{2, 0, false, ""},
		{2, 1200, true, ""},
		{0, 1200, false, "No row needs a person’s attention, and none is printed: all are in r.csv."},
		{2, 1200, false, "Printed are the rows that need a person’s attention, and not the 1,200 other rows: all are in r.csv."},
		{3500, 1, false, "Printed are the first 3,000 of 3,500 rows that need a person’s attention, and not the 1 other row: all are in r.csv."},
	} {
		p := Page{Tally: NewTally(results.Format{}), Results: "r.csv", All: test.all}
		for i := range test.failed + test.applied {
			status := pipeline.Failed
			if i >= test.failed {
				status = pipeline.Applied
			}
			p.Tally.Record(&pipeline.Result{Status: status, Row: roster.Row{Line: i}})
		}
		if got := p.printed(); got != test.want {
			t.Errorf("of %d failed and %d others: %q, want %q", test.failed, test.applied, got, test.want)
		}
	}
}

func pick(r *rand.Rand, weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	x := r.IntN(sum)
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	panic("unreachable")
}

// A report made from the results file tells what one made of the run itself does,
// whoever has saved the file since, and however much of it an earlier run wrote.
func TestReportOfFileIsThatOfRun(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 3))
		f, all := randomResults(r, 1+r.IntN(300))
		for i := range all {
			// A CSV reader takes \r\n for \n, and remarks are on one line.
			for j := range all[i].Values {
				v := &all[i].Values[j]
				v.Wanted, v.Before, v.After = plain(v.Wanted), plain(v.Before), plain(v.After)
			}
			all[i].Row.Cells[0] = plain(all[i].Row.Cells[0])
		}
		f.Excel = seed%2 == 1
		whole := tallyOf(f, all)
		var b bytes.Buffer
		file := results.NewWriter(&b, f)
		for i := range all {
			file.Record(&all[i])
		}
		file.Flush()
		for how, text := range map[string]string{"as written": b.String(), "with semicolons": recoded(t, b.String(), ';'), "as UTF-16": utf16Of(b.String())} {
			back, err := results.NewReader(strings.NewReader(text))
			if err != nil {
				t.Fatalf("seed %d, %s: %v", seed, how, err)
			}
			restored := NewTally(back.Format())
			if err := restored.Restore(back); err != nil {
				t.Fatalf("seed %d, %s: %v", seed, how, err)
			}
			same(t, fmt.Sprintf("seed %d, %s", seed, how), restored, whole)
		}

		// The first rows from a file, the others as the run goes on.
		cut := 1 + r.IntN(len(all))
		var first bytes.Buffer
		file = results.NewWriter(&first, f)
		for i := range all[:cut] {
			file.Record(&all[i])
		}
		file.Flush()
		resumed := NewTally(f)
		back, err := results.NewReader(&first)
		if err == nil {
			err = resumed.Restore(back)
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range all[cut:] {
			resumed.Record(&all[cut+i])
		}
		same(t, fmt.Sprintf("seed %d, resumed after %d", seed, cut), resumed, whole)
	}
}

// plain is text that survives a CSV file in any encoding.
func plain(text string) string {
	return strings.TrimSpace(strings.NewReplacer("\r", " ", "\n", " ", "\x00", "", "\ufeff", "", "\u2028", "").Replace(strings.ToValidUTF8(text, "")))
}

func same(t *testing.T, what string, got, want *Tally) {
	t.Helper()
	a, b := (&Page{Tally: got}).view(), (&Page{Tally: want}).view()
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%s:\n%+v\nwant:\n%+v", what, a, b)
	}
}

func recoded(t *testing.T, text string, comma rune) string {
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = comma
	w.WriteAll(records)
	return b.String()
}

func utf16Of(text string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(strings.TrimPrefix(text, "\ufeff"))) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// Nothing is allocated for a row that is like others.
func TestTallyAllocatesNothing(t *testing.T) {
	f := results.Format{Properties: []string{"PrivacyMode"}, Header: []string{"UPN", "Dept", "Name"}}
	tally := NewTally(f)
	res := pipeline.Result{Status: pipeline.Applied, Finished: time.Now(),
		Values: []pipeline.Value{{Wanted: "opt-out", Before: "opt-in", After: "opt-out"}}}
	res.Row = roster.Row{UPN: "ada@contoso.com", Cells: []string{"ada@contoso.com", "Sales", ""}}
	n := 0
	record := func() {
		res.Row.Cells[2] = names[n%len(names)]
		n++
		tally.Record(&res)
	}
	for range 2 * maxKept {
		record()
	}
	if got := testing.AllocsPerRun(1000, record); got > 0 {
		t.Errorf("%v allocations a row, want none", got)
	}
}

var names = func() []string {
	names := make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprint("name", i)
	}
	return names
}()

// A property that is as wanted stays, whatever else of its row differs, and however
// the tenant spells it.
func TestMoveOfWhatIsSame(t *testing.T) {
	r := &pipeline.Result{Status: pipeline.Differs}
	same := &pipeline.Value{Before: "sales", After: "sales", Wanted: "Sales", Same: true}
	if got := moveOf(r, same); got != (move{"sales", "sales"}) {
		t.Errorf("moveOf(%v) = %v", same, got)
	}
	differs := &pipeline.Value{Before: "sales", After: "sales", Wanted: "legal"}
	if got := moveOf(r, differs); got != (move{"sales", "legal"}) {
		t.Errorf("moveOf(%v) = %v", differs, got)
	}
}
