// Package queue holds the jobs of fleets and what came of them, and is all that
// knows the engine: NATS JetStream.
//
//	Serve ─▶ Server: the store          fleet run (in process)   fleet work   fleet submit
//	            │                              │                     │            │
//	            └────── TLS, token ────────────┴────── Queue ────────┴────────────┘
//
// One entry of a bucket says all there is to say of a job that is not ended; it changes
// by compare and set alone, so that whoever has a job is judged in one place. The
// journal of a job is a Log, to which only its last holder can append. Files (rosters,
// results) go by their SHA-256.
//
// What is acknowledged is on the disk: of the server, or of most of three. Nothing in
// the store is a credential. Clocks of machines are never compared.
package queue

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// Options say how a client reaches a server.
type Options struct {
	URL   string // tls://host:port, or nats://host:port on loopback; several nodes with commas between them
	TLS   TLS
	Token string      // as the server's
	Name  string      // of this client, for people: user@host
	Log   *zap.Logger // nil logs nothing
}

// A Queue is a client of a server, until Close. It may be used by several goroutines
// at once.
type Queue struct {
	name      string
	log       *zap.Logger // never nil
	conn      *nats.Conn
	js        jetstream.JetStream
	jobs      jetstream.KeyValue // Job.Key: entry of a job that is not ended
	fleets    jetstream.KeyValue // ID: Fleet
	outcomes  jetstream.KeyValue // ID.TENANT: what came of a job
	schedules jetstream.KeyValue // name: Schedule
	journals  jetstream.Stream   // see Log
	files     jetstream.Stream   // see Put
	work      workerState        // see Next

	mu        sync.Mutex
	connected context.Context // ends when the connection does; there is another by then
	cut       context.CancelFunc
}

const (
	dialTimeout = 5 * time.Second
	dialEvery   = time.Second
)

// Connect returns a client of the server at a URL. If the server can't be reached, or
// is not ready, it tries again until ctx ends; if it can be reached and refuses this
// client, or this client refuses it, that is the end. Once connected it goes on
// reconnecting for ever.
func Connect(ctx context.Context, o Options) (*Queue, error) {
	dial, err := o.dialer()
	if err != nil {
		return nil, fmt.Errorf("connect to the server: %w", err)
	}
	q, err := connect(ctx, o.Name, orNop(o.Log), dial)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", o.URL, err)
	}
	return q, nil
}

// orNop returns a logger that can be used.
func orNop(log *zap.Logger) *zap.Logger {
	if log == nil {
		return zap.NewNop()
	}
	return log
}

// connect dials until it works, or can't, and opens the store.
func connect(ctx context.Context, name string, log *zap.Logger, dial dialer) (*Queue, error) {
	q, err := dialUntil(ctx, name, log, dial)
	if err != nil {
		return nil, err
	}
	if err := q.retry(ctx, q.open); err != nil {
		q.Close()
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			err = ErrNotReady
		}
		return nil, err
	}
	return q, nil
}

// ErrNotReady is why there is no client of a server that can be reached.
var ErrNotReady = errors.New("the server is there, and not ready yet")

// A dialer connects once.
type dialer func(...nats.Option) (*nats.Conn, error)

// dialUntil dials until it works, or can't. The store of its Queue is not open.
func dialUntil(ctx context.Context, name string, log *zap.Logger, dial dialer) (*Queue, error) {
	q := &Queue{name: name, log: log}
	q.connected, q.cut = context.WithCancel(context.Background())
	settings := []nats.Option{
		nats.Name(name), nats.Timeout(dialTimeout), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond),
		nats.IgnoreAuthErrorAbort(), // a server that comes back with the right token is welcome
		// What is sent while there is no connection fails at once: later it could be
		// heard when it is no longer meant.
		nats.ReconnectBufSize(-1),
		nats.PingInterval(3 * time.Second), nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			q.abort()
			if err != nil {
				log.Warn("lost the server", zap.Error(cause(err)))
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) { log.Info("found the server again", zap.String("url", c.ConnectedUrlRedacted())) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { log.Debug("reconnect", zap.Error(cause(err))) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Debug("server", zap.Error(cause(err))) }),
	}
	for said := false; ; {
		var err error
		if q.conn, err = dial(settings...); err == nil {
			break
		}
		if refused(err) {
			return nil, cause(err)
		}
		if !said {
			said = true
			log.Warn("the server can't be reached, trying again", zap.Error(cause(err)))
		}
		if wait(ctx, dialEvery) != nil {
			return nil, cause(err)
		}
	}
	var err error
	if q.js, err = jetstream.New(q.conn); err != nil {
		q.conn.Close()
		return nil, err
	}
	return q, nil
}

// Close ends the client. What it has sent has gone.
func (q *Queue) Close() {
	if q.conn.IsConnected() {
		q.conn.FlushTimeout(dialTimeout)
	}
	q.conn.Close()
	q.abort()
}

// abort ends the wait for answers that can't come any more.
func (q *Queue) abort() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cut()
	q.connected, q.cut = context.WithCancel(context.Background())
}

// connection returns a context that ends when the connection does.
func (q *Queue) connection() context.Context {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.connected
}

// away reports whether err says that there was nobody to answer.
func away(err error) bool {
	for _, e := range []error{
		context.Canceled, context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrReconnectBufExceeded, nats.ErrConnectionReconnecting,
		nats.ErrDisconnected, nats.ErrStaleConnection, jetstream.ErrNoStreamResponse, jetstream.ErrJetStreamNotEnabled, errNotMade,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	if e, ok := errors.AsType[*nats.APIError](err); ok && e.Code >= 500 { // of a watch
		return true
	}
	e, ok := errors.AsType[*jetstream.APIError](err)
	return ok && e.Code >= 500
}

// wait waits for d, or for the end of ctx, whose cause it returns.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
