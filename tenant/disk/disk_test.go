package disk

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What is refused because of somebody else is tried again for two seconds; what is
// refused for another reason is not.
func TestPatiently(t *testing.T) {
	busy, other := errors.New("busy"), errors.New("other")
	for _, test := range []struct {
		first, then error
		after       time.Duration
		want        error
		took        time.Duration // at most
	}{
		{first: nil, want: nil},
		{first: other, want: other},
		{first: busy, then: nil, after: time.Second, want: nil, took: patience},
		{first: busy, then: other, after: time.Second, want: other, took: patience},
		{first: busy, then: nil, after: time.Minute, want: busy, took: patience},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			err := patiently(func() error {
				if time.Since(begin) >= test.after && test.after > 0 {
					return test.then
				}
				return test.first
			}, func(err error) bool { return err == busy })
			took := time.Since(begin)
			if err != test.want || took > test.took || err == nil && took < test.after || err == busy && took < patience {
				t.Errorf("%v, and after %v %v: %v after %v, want %v within %v", test.first, test.after, test.then, err, took, test.want, test.took)
			}
		})
	}
}
