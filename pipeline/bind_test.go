package pipeline

import (
	"errors"
	"strings"
	"testing"

	"rollcall/pipeline/roster"
)

// A counting is a Source that counts how often it is asked of a row. It refuses the
// user x, and has settled y.
type counting struct{ asked map[string]int }

func (c *counting) Cell(_ int, cell string) (string, bool) { return cell, false }

func (c *counting) CheckRow(cells []string) error {
	c.asked[cells[0]]++
	if strings.HasPrefix(cells[0], "x") {
		return errors.New("refused")
	}
	return nil
}

func (c *counting) DoneBefore(cells []string) (Status, error, bool) {
	return Stale, errors.New("settled"), strings.HasPrefix(cells[0], "y")
}

// What a row calls for is worked out once each time that the roster is read: when it
// is surveyed, and when the run comes to it.
func TestPlanOncePerReading(t *testing.T) {
	users, err := roster.Read("users.csv", strings.NewReader("UPN,Mode\na@b.cd,opt-out\nx@b.cd,opt-out\ny@b.cd,opt-out\nb@b.cd,opt-in\nc@b.cd,\n"), roster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer users.Close()
	run := optOut(t, newFake(), 2)
	source := &counting{make(map[string]int)}
	run.Change = myAnalytics(t)
	run.Change.Source = source
	if err := run.Change.Assign("PrivacyMode=@mode"); err != nil {
		t.Fatal(err)
	}
	count := func(when string, want int) {
		t.Helper()
		for _, upn := range []string{"a@b.cd", "x@b.cd", "y@b.cd", "b@b.cd", "c@b.cd"} {
			if got := source.asked[upn]; got != want {
				t.Errorf("%s: asked %d times of %s, want %d", when, got, upn, want)
			}
		}
	}
	if err := run.Change.Survey(users); err != nil {
		t.Fatal(err)
	}
	count("surveyed", 1)
	var l list
	if err := run.Do(t.Context(), users.Rows(), &l); err != nil {
		t.Fatal(err)
	}
	count("run", 2)
	l.checkStatuses(t, map[Status]int{Applied: 2, Invalid: 2, Stale: 1})
}
