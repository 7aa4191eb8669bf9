package work

import (
	"testing"
	"time"
)

// Rows of a journal are no part of the speed, whether they come at once or in between.
func TestSpeed(t *testing.T) {
	s := speed{restored: 100}
	for i, beat := range []struct {
		rows int64
		took time.Duration
		want float64
	}{{0, 0, 0}, {60, time.Second, 0}, {120, time.Second, 20}, {150, time.Second, 30}, {190, 2 * time.Second, 20}} {
		if got := s.of(beat.rows, beat.took); got != beat.want {
			t.Errorf("beat %d: %v rows a second, want %v", i, got, beat.want)
		}
	}
}
