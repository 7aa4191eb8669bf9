package pipeline

import (
	"testing"
	"testing/synctest"
	"time"
)

// While rows are read back again it is known how many they are, and how long that can
// go on.
func TestReadingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.lag = 20 * time.Second
		run := optOut(t, f, 4)
		time.AfterFunc(10*time.Second, func() {
			// The last row began when the pace let it.
			if rows, most := run.ReadingBack(); rows != 3 || most < 20*time.Second || most > 20100*time.Millisecond {
				t.Errorf("after ten seconds: %d rows, %v at most", rows, most)
			}
		})
		var l list
		if err := run.Do(t.Context(), &users{n: 3}, &l); err != nil {
			t.Fatal(err)
		}
		if rows, _ := run.ReadingBack(); rows != 0 || len(l.results) != 3 {
			t.Errorf("in the end: %d rows, %d results", rows, len(l.results))
		}
	})
}
