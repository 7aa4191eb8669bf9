package job

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline/results"
	"rollcall/tenant"
	"rollcall/tenant/connect"
)

// The files of a run that was ended at once say the same numbers as the run, also of rows
// that the journal does not have.
func TestFilesCountWhatTheRunCounted(t *testing.T) {
	for _, readFirst := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			l := newLedger(time.Millisecond)
			o := optOut(t, l, 5)
			o.Workers, o.ReadFirst = 2, readFirst
			var mu sync.Mutex
			first := ""
			o.Open = func(connect.Settings, connect.Options) (*connect.Tenant, error) {
				return &connect.Tenant{Name: "ledger", Runner: runner(func(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
					mu.Lock()
					first = cmp.Or(first, c.Identity)
					other := c.Identity != first
					mu.Unlock()
					if other || !c.Reads() {
						<-ctx.Done()
						return nil, ctx.Err()
					}
					return l.Run(ctx, c)
				})}, nil
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(errors.New("enough")) })
			got, err := o.Run(ctx, nil)
			if err != ErrInterrupted || got.Rows.InProgress != 2 {
				t.Fatalf("%v, %+v", err, got.Rows)
			}
			past, err := results.ReadPast(o.Results)
			if err != nil || past.Counts != got.Rows {
				t.Errorf("read first %t: the files have %+v, %v; want %+v", readFirst, past.Counts, err, got.Rows)
			}
			if doubts := strings.Join(past.Doubts, "; "); (doubts == "") != readFirst || !readFirst && !strings.Contains(doubts, ": 2 of 5 rows without a result may") {
				t.Errorf("read first %t: %s", readFirst, doubts)
			}
		})
	}
}
