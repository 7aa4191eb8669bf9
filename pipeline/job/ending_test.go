package job

import (
	"errors"
	"slices"
	"testing"
)

// Of two things that went wrong the one that can have caused the other is the
// job's error, and the other is said as a warning. An interrupt comes behind them.
func TestVerdict(t *testing.T) {
	type part struct {
		name string
		set  func(*ending, error)
		warn bool // it is said if it is not the job's error
	}
	// In the order in which they win.
	parts := []part{
		{"work", func(e *ending, err error) { e.work = err }, true},
		{"sync", func(e *ending, err error) { e.sync = err }, true},
		{"close", func(e *ending, err error) { e.close = err }, true},
		{"save", func(e *ending, err error) { e.save = err }, true},
		{"guard", func(e *ending, err error) { e.guard = err }, true},
		{"left changed", func(e *ending, err error) { e.left = err }, true},
		{"output", func(e *ending, err error) { e.output = err }, true},
		{"summary", func(e *ending, err error) { e.summary = err }, true},
		{"interrupt", func(e *ending, err error) { e.interrupted = err != nil }, false},
	}
	wants := func(p part) error {
		if p.name == "interrupt" {
			return ErrInterrupted
		}
		return errors.New(p.name)
	}
	for i, first := range parts {
		for j, second := range parts {
			var e ending
			first.set(&e, wants(first))
			second.set(&e, wants(second))
			others, err := e.mainError()
			winner, loser := parts[min(i, j)], parts[max(i, j)]
			if err == nil || err.Error() != wants(winner).Error() {
				t.Errorf("%s and %s: %v, want %s", first.name, second.name, err, winner.name)
			}
			said := slices.ContainsFunc(others, func(err error) bool { return err.Error() == loser.name })
			if want := i != j && loser.warn; said != want {
				t.Errorf("%s and %s: %s is said: %t, want %t", first.name, second.name, loser.name, said, want)
			}
		}
	}
	if others, err := new(ending).mainError(); err != nil || others != nil {
		t.Errorf("all well: %v, %v", err, others)
	}
	// A step that gave way to an interrupt is no error of its own, and one cause is
	// said once.
	broken := errors.New("broken")
	e := &ending{work: ErrInterrupted, interrupted: true, sync: broken, close: broken}
	if others, err := e.mainError(); err != broken || len(others) != 0 {
		t.Errorf("interrupted with a broken disk: %v, %v", err, others)
	}
}
