package work

import (
	"strings"
	"testing"
	"time"

	"rollcall/pipeline/fleet/queue"
)

// A server that goes away and comes back costs nothing if it is back before a lease ends,
// and otherwise no more than the rows in progress.
func TestServerBack(t *testing.T) {
	t.Parallel()
	for _, away := range []time.Duration{takeover / 4, 2 * takeover} {
		t.Run(away.String(), func(t *testing.T) {
			t.Parallel()
			const n = 200
			w := newWorld(t, slowly)
			id := w.submit(2, n, nil)
			defer w.start(w.worker("a", 2))()
			w.atWork(id, "t0")
			w.server.Close()
			time.Sleep(away)
			address := strings.TrimPrefix(w.server.URL(), "nats://")
			var err error
			w.server, err = queue.Serve(t.Context(), queue.ServerOptions{Dir: w.store, Listen: address})
			check(t, err)
			t.Cleanup(w.server.Close)
			w.until(id, "all ended", ended)
			w.isWhole(id, 2, n)
			most := 2 * users(n)
			if away > takeover {
				most += 2 * workers
			}
			if sets, got := w.sets(); got != 2*users(n) || sets > most {
				t.Errorf("%d sets of %d users, want %d and at most %d sets", sets, got, 2*users(n), most)
			}
		})
	}
}
