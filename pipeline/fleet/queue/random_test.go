package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// An oracle sees all that workers do, and knows what they must not.
type oracle struct {
	t *testing.T

	mu     sync.Mutex
	epochs map[string]uint64   // of the last lease of a key
	leases map[*Lease]struct{} // that are not over, as far as their holders know
	calls  int
	taken  int
}

// take is told that a lease was had.
func (o *oracle) take(l *Lease, parallel int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken++
	if was := o.epochs[l.Key]; l.Epoch <= was {
		o.t.Errorf("%s was taken with epoch %d after %d", l.Key, l.Epoch, was)
	}
	o.epochs[l.Key] = l.Epoch
	at := 1
	for other := range o.leases {
		switch {
		case !other.Valid():
		case other.Key == l.Key:
			o.t.Errorf("%s was taken while another had it", l.Key)
		case other.Fleet == l.Fleet:
			at++
		}
	}
	if at > parallel {
		o.t.Errorf("fleet %s has %d jobs running, more than %d", l.Fleet, at, parallel)
	}
	o.leases[l] = struct{}{}
}

// call is a call on a tenant, which is made if the lease is valid.
func (o *oracle) call(l *Lease) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !l.Valid() {
		return false
	}
	o.calls++
	if o.epochs[l.Key] != l.Epoch {
		o.t.Errorf("%s was called with epoch %d while epoch %d has it", l.Key, l.Epoch, o.epochs[l.Key])
	}
	return true
}

// over is told that a lease is over.
func (o *oracle) over(l *Lease) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.leases, l)
}

// Many workers that lose their connections, are cut off for a while, or return what they
// have, while people pause fleets and let them go on, never have one job twice, nor more
// than a fleet may have; and all jobs are done in the end.
func TestRandomWorkers(t *testing.T) {
	t.Parallel()
	const fleets, tenants, parallel, workers, slots = 3, 14, 4, 6, 2
	s := serve(t, ServerOptions{})
	q := within(t, s)
	for i := range fleets {
		f, jobs := fleetOf(fmt.Sprintf("f%d", i), parallel, 100*i, tenants)
		f.Takeover = time.Second
		check(t, q.Submit(t.Context(), f, jobs))
	}
	o := &oracle{t: t, epochs: make(map[string]uint64), leases: make(map[*Lease]struct{})}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var all sync.WaitGroup
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	kills := 0
	for i := range workers {
		seed, name := rnd.Uint64(), fmt.Sprintf("w%d", i)
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, 0))
			for ctx.Err() == nil { // a worker that is killed is started again
				p := newProxy(t, strings.TrimPrefix(s.URL(), "nats://"))
				w, err := Connect(ctx, Options{URL: "nats://" + p.addr})
				if err != nil {
					return
				}
				life, end := context.WithCancel(ctx)
				var at sync.WaitGroup
				for range slots {
					seed := rnd.Uint64()
					at.Go(func() { o.work(life, w, name, parallel, rand.New(rand.NewPCG(seed, 0))) })
				}
				select {
				case <-ctx.Done():
				case <-time.After(time.Duration(300+rnd.IntN(2500)) * time.Millisecond):
				}
				if rnd.IntN(2) == 0 { // cut off for longer or shorter than a lease lasts
					p.deaf.Store(true)
					time.Sleep(time.Duration(rnd.IntN(2000)) * time.Millisecond)
					p.cut()
					time.Sleep(time.Duration(rnd.IntN(1000)) * time.Millisecond)
				}
				w.conn.Close() // killed: what it calls as long as its leases are valid it may call
				end()
				at.Wait()
				o.mu.Lock()
				kills++
				o.mu.Unlock()
			}
		})
	}
	for done := false; !done && ctx.Err() == nil; {
		time.Sleep(200 * time.Millisecond)
		id := fmt.Sprintf("f%d", rnd.IntN(fleets))
		check(t, q.Control(ctx, id, func(c *Control) { c.Paused = rnd.IntN(5) == 0 }))
		done = true
		for i := range fleets {
			done = strings.Trim(states(t, q, fmt.Sprintf("f%d", i)), "e") == "" && done
		}
	}
	if ctx.Err() != nil {
		for i := range fleets {
			t.Errorf("fleet %d is %s", i, states(t, q, fmt.Sprintf("f%d", i)))
		}
	}
	cancel()
	all.Wait()
	t.Logf("%d leases, %d calls, %d kills", o.taken, o.calls, kills)
	if o.taken < fleets*tenants+5 {
		t.Errorf("only %d leases were had", o.taken)
	}
}

// work is one slot of a worker.
func (o *oracle) work(ctx context.Context, q *Queue, name string, parallel int, rnd *rand.Rand) {
	for ctx.Err() == nil {
		l, err := q.Next(ctx, name)
		if err != nil {
			return
		}
		o.take(l, parallel)
		for left := 10 + rnd.IntN(60); left > 0 && o.call(l); left-- {
			time.Sleep(10 * time.Millisecond)
			select {
			case <-l.Stop():
				left = 0
			default:
			}
			l.Progress(left)
		}
		short, cancel := context.WithTimeout(ctx, 3*time.Second)
		if l.StopReason() != "" || rnd.IntN(8) == 0 {
			o.over(l)
			l.Return(short)
		} else {
			o.over(l)
			l.Done(short, complete)
		}
		cancel()
	}
}
