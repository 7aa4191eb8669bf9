package pipeline

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// sized are rows of users, each with a cell of so many bytes.
type sized struct {
	users
	bytes []int
}

var text = strings.Repeat("x", 10<<20)

func (s *sized) Read(row *roster.Row) error {
	err := s.users.Read(row)
	if err == nil {
		row.Cells = []string{text[:s.bytes[s.read-1]]}
	}
	return err
}

// However large rows are, and whatever came before, those that are begun and not
// recorded are no more than the window has, nor, but for one row, have they more in
// their cells. Then all rows are recorded.
func TestWindow(t *testing.T) {
	rows := func(n, bytes int) []int {
		all := make([]int, n)
		for i := range all {
			all[i] = bytes
		}
		return all
	}
	const mega = 1 << 20
	for name, test := range map[string]struct {
		bytes []int
		slow  int // the row that is slow, beside the first
		begun int // rows that are begun then, with that
	}{
		"small":             {rows(2*Window, 10), 0, Window},
		"large":             {rows(100, mega), 0, 8},
		"larger than all":   {rows(5, 10*mega), 0, 1},
		"large after small": {append(rows(2*Window, 10), rows(100, mega)...), 2 * Window, 8},
		"small after large": {append(rows(20, mega), rows(2*Window, 10)...), 20, Window},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				on := newFake()
				on.latency = func(c tenant.Cmdlet) time.Duration {
					switch c.Identity {
					case upn(test.slow):
						return time.Hour
					case upn(0): // so that there are many tasks by then
						return time.Minute
					}
					return 0
				}
				rows := &sized{users{n: len(test.bytes)}, test.bytes}
				run := optOut(t, on, 4)
				run.Outages = false
				var out list
				go func() {
					time.Sleep(30 * time.Minute)
					synctest.Wait()
					recorded, held := len(out.results), 0
					for _, n := range test.bytes[recorded:rows.read] {
						held += n
					}
					if begun := rows.read - recorded; recorded != test.slow || begun != test.begun {
						t.Errorf("%d rows recorded and %d more begun, want %d and %d", recorded, begun, test.slow, test.begun)
					}
					if most := windowBytes + test.bytes[rows.read-1]; held > most {
						t.Errorf("%d bytes begun, want %d at most", held, most)
					}
				}()
				if err := run.Do(t.Context(), rows, &out); err != nil {
					t.Fatal(err)
				}
				if len(out.results) != len(test.bytes) {
					t.Errorf("%d rows recorded, want %d", len(out.results), len(test.bytes))
				}
			})
		})
	}
}
