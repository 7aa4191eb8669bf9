package exchange

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// MaxBatch is how many cmdlets one request can have: what the module sends at
// most (certain; whether the service takes more is not known).
const MaxBatch = 10

// ErrNoBatch is the cause of an error that says that the tenant takes no
// batches. Its class is [tenant.Unauthorized], for no batch will fare better.
var ErrNoBatch = errors.New("the tenant takes no batches")

// A BatchConfig says how cmdlets are put into batches. Size and Callers are required.
type BatchConfig struct {
	Size    int           // how many cmdlets a request has at most: 1 to [MaxBatch]
	Callers int           // how many goroutines call Run at once, at most
	Wait    time.Duration // how long the first cmdlet of a batch waits for others, at most
}

// A Batcher puts cmdlets that are run at the same time into one request. It is a
// [tenant.Runner] around a [Client]. For each caller the result is the same as if its
// cmdlet were a request of its own:
//
//	Run ─┐                         ┌─ reply ─→ page → objects
//	Run ─┼─ batch ─ POST $batch ─→ ┼─ reply ─→ fault → *tenant.Error
//	Run ─┘                         └─ reply ─→ page → the next page, alone
//
// A batch is sent when it is full, when its first cmdlet has waited long enough, or when
// all callers have a cmdlet in it. A single cmdlet is sent as the Client sends it. If the
// context of a caller ends, only its own cmdlet ends; the request ends when no caller
// waits for it.
//
// Replies belong to the parts by their ids. A part without a clear reply is Unavailable. A
// cmdlet that had a transient failure in a batch is sent alone the next time, so that a
// cmdlet which breaks batches breaks only one. That does not apply if the tenant throttled
// the whole batch: single requests would be ten times as many.
type Batcher struct {
	client  *Client
	cfg     BatchConfig
	taken   atomic.Bool // the tenant has accepted a batch
	sending sync.WaitGroup

	mu    sync.Mutex
	open  *batch              // the batch that is being filled, or nil
	alone map[string]struct{} // the cmdlets to send alone the next time
}

// maxAlone is the most cmdlets in alone: those that are not run again stay there.
const maxAlone = 10_000

// A batch is cmdlets that share a request. Until it is sent, the Batcher's lock guards its
// fields.
type batch struct {
	parts   []*part
	waiting int             // callers that still wait
	timer   *time.Timer     // sends the batch when it fires
	ctx     context.Context // of the request
	gone    func()          // ends the request
	done    chan struct{}   // closed when each part has its answer
}

// A part is one cmdlet of a batch.
type part struct {
	call
	answer answer // until the batch is done, only for who sends it
}

// An answer is the result of a part: a reply, an error, or neither if the part has to be
// sent alone.
type answer struct {
	reply *reply
	err   error
	whole bool // the whole batch was throttled
}

// NewBatcher returns a Batcher around c.
func NewBatcher(c *Client, cfg BatchConfig) *Batcher {
	if cfg.Size < 1 || cfg.Size > MaxBatch || cfg.Callers < 1 || cfg.Wait < 0 {
		panic(fmt.Sprintf("exchange: NewBatcher: bad config %+v", cfg))
	}
	return &Batcher{client: c, cfg: cfg, alone: make(map[string]struct{})}
}

// Run is like [Client.Run], in a batch with other cmdlets if there are any.
func (b *Batcher) Run(ctx context.Context, cmd tenant.Cmdlet) ([]tenant.Object, error) {
	if err := check(cmd); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, rest.Failure(ctx, ctx.Err(), cmd.Name, cmd.Identity)
	}
	p := &part{call: call{cmdlet: cmd}}
	var a answer
	if g := b.join(ctx, p); g != nil {
		select {
		case <-g.done:
			a = p.answer
		case <-ctx.Done():
			b.leave(g, p)
			a.err = ctx.Err()
		}
	}
	objects, err := b.conclude(ctx, p, a)
	if err == nil {
		return objects, nil
	}
	err = rest.Failure(ctx, err, cmd.Name, cmd.Identity)
	if e, ok := errors.AsType[*tenant.Error](err); ok && e.Transient() && !a.whole {
		b.part(p)
	}
	return nil, err
}

// conclude makes of a what [Client.Run] would have made of p. What is still to
// be sent for p is sent alone, under its caller's ctx.
func (b *Batcher) conclude(ctx context.Context, p *part, a answer) ([]tenant.Object, error) {
	switch {
	case a.err != nil:
		return nil, a.err
	case a.reply == nil:
		return b.client.pages(ctx, &p.call)
	}
	r, err := b.client.renew(ctx, &p.call, a.reply)
	if err != nil {
		return nil, err
	}
	return b.client.follow(ctx, &p.call, r)
}

// key tells p's cmdlet from others of a run.
func (p *part) key() string { return p.cmdlet.Name + " " + p.cmdlet.Identity }

// part makes p's cmdlet be sent alone the next time.
func (b *Batcher) part(p *part) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.alone) < maxAlone {
		b.alone[p.key()] = struct{}{}
	}
}

// join adds p to the batch that is being filled, and returns the batch, or nil if p has to be
// sent alone.
func (b *Batcher) join(ctx context.Context, p *part) *batch {
	if b.cfg.Size == 1 || b.cfg.Callers == 1 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.alone) > 0 {
		if _, ok := b.alone[p.key()]; ok {
			delete(b.alone, p.key())
			return nil
		}
	}
	g := b.open
	if g == nil {
		g = &batch{parts: make([]*part, 0, b.cfg.Size), done: make(chan struct{})}
		g.ctx, g.gone = context.WithCancel(context.WithoutCancel(ctx))
		g.timer = time.AfterFunc(b.cfg.Wait, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.open == g {
				b.depart()
			}
		})
		b.open = g
	}
	g.parts = append(g.parts, p)
	g.waiting++
	// Callers whose cmdlets are under way may be back soon, so they count as
	// some who could join. Batches would otherwise never grow together again.
	if len(g.parts) == min(b.cfg.Size, b.cfg.Callers) {
		b.depart()
	}
	return g
}

// depart sends the batch that is being filled. Its caller has the lock.
func (b *Batcher) depart() {
	g := b.open
	b.open = nil
	g.timer.Stop()
	b.sending.Go(func() {
		defer g.gone()
		defer close(g.done)
		if len(g.parts) > 1 {
			b.send(g.ctx, g.parts)
		}
	})
}

// leave takes p out of g, as its caller has gone away.
func (b *Batcher) leave(g *batch, p *part) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g.waiting--
	if b.open == g {
		g.parts = slices.DeleteFunc(g.parts, func(q *part) bool { return q == p })
		if g.waiting == 0 {
			b.open = nil
		}
	}
	if g.waiting == 0 {
		g.gone()
	}
}

// Close waits for the requests under way, whose callers have all gone, and closes the Client.
func (b *Batcher) Close() {
	b.sending.Wait()
	b.client.Close()
}

// String returns the tenant that b is of, as [Client.String] does.
func (b *Batcher) String() string { return b.client.String() }
