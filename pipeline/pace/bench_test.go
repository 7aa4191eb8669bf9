package pace

import "testing"

// What a call costs that nothing holds back.
func BenchmarkLimiter(b *testing.B) {
	l := New(0)
	ctx := b.Context()
	for b.Loop() {
		turn, err := l.Wait(ctx)
		if err != nil {
			b.Fatal(err)
		}
		l.Observe(turn, nil)
	}
}
