// Package oldqueue holds the jobs of fleets and what came of them, and is all that
// knows the engine: NATS JetStream, whose server runs in this process.
//
//	Submit ─▶ stream JOBS ─ Next ─▶ Lease ─ Renew … ─ Done ─▶ bucket outcomes
//	                          ▲                └─ Return ─┐
//	                          └───────────────────────────┘
//
// The stream has one message at most for each job, until the job is done: a message
// is given to one holder at a time, and to another when that one returns it, lets its
// lease run out, or is gone with its process. What came of a job is kept ahead of the
// message's end, so that no kill loses both.
//
// Messages hold names, never a credential. The server listens on no port, and has all
// that it acknowledges on the disk.
package oldqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	jobsStream     = "JOBS"
	jobsSubject    = "fleet.jobs."
	outcomesBucket = "outcomes"
	startTimeout   = 30 * time.Second
	maxStore       = 1 << 30
	codeExists     = jetstream.ErrorCode(10077) // a subject has as many messages as it may
)

// A Queue is open until Close. It may be used by several goroutines at once.
type Queue struct {
	server   *server.Server
	conn     *nats.Conn
	js       jetstream.JetStream
	consumer jetstream.Consumer
	outcomes jetstream.KeyValue
	takeover time.Duration
}

// Options say how a queue is used.
type Options struct {
	Dir      string        // where it is kept; made if need be
	AtOnce   int           // how many jobs can be held at once
	Takeover time.Duration // a lease that is not renewed for so long is given to another
}

// Open opens the queue that is kept in a directory. Only one process may: who opens
// it has to see to that. Jobs that were held when the last one ended are to be had
// again at once.
func Open(ctx context.Context, o Options) (*Queue, error) {
	q := &Queue{takeover: o.Takeover}
	if err := q.open(ctx, o); err != nil {
		q.Close()
		return nil, fmt.Errorf("open the queue in %s: %w", o.Dir, err)
	}
	return q, nil
}

func (q *Queue) open(ctx context.Context, o Options) (err error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	q.server, err = server.NewServer(&server.Options{
		ServerName: "rollcall", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: filepath.Clean(o.Dir), SyncAlways: true,
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: maxStore,
	})
	if err != nil {
		return err
	}
	q.server.Start()
	if !q.server.ReadyForConnections(startTimeout) {
		return errors.New("the server did not start")
	}
	if q.conn, err = nats.Connect("", nats.InProcessServer(q.server), nats.MaxReconnects(-1)); err != nil {
		return err
	}
	if q.js, err = jetstream.New(q.conn); err != nil {
		return err
	}
	if _, err = q.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: jobsStream, Subjects: []string{jobsSubject + ">"}, Storage: jetstream.FileStorage,
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, MaxMsgsPerSubject: 1,
	}); err != nil {
		return err
	}
	if q.outcomes, err = q.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: outcomesBucket, Storage: jetstream.FileStorage}); err != nil {
		return err
	}
	// What a consumer holds is given out anew only when its time is over; a new one
	// holds nothing.
	const name = "workers"
	if err := q.js.DeleteConsumer(ctx, jobsStream, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return err
	}
	q.consumer, err = q.js.CreateConsumer(ctx, jobsStream, jetstream.ConsumerConfig{
		Durable: name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: o.Takeover, MaxAckPending: o.AtOnce, MaxDeliver: -1,
	})
	return err
}

// Close ends the server. Leases that are held are to be had again.
func (q *Queue) Close() {
	if q.conn != nil {
		q.conn.Close()
	}
	if q.server != nil {
		q.server.Shutdown()
		q.server.WaitForShutdown()
	}
}

// A Job is one tenant of a fleet.
type Job struct {
	Fleet        string `json:"fleet"`
	Tenant       string `json:"tenant"`
	Profile      string `json:"profile,omitempty"`
	Roster       string `json:"roster"`
	RosterSHA256 string `json:"roster_sha256"`
}

func (j Job) key() string { return j.Fleet + "." + j.Tenant }

// Submit puts a job in the queue, unless it is there already.
func (q *Queue) Submit(ctx context.Context, j Job) error {
	b, err := json.Marshal(j)
	if err != nil {
		return err
	}
	_, err = q.js.Publish(ctx, jobsSubject+j.key(), b)
	if e, ok := errors.AsType[*jetstream.APIError](err); ok && e.ErrorCode == codeExists {
		return nil
	}
	if err != nil {
		return fmt.Errorf("submit %s: %w", j.Tenant, err)
	}
	return nil
}

// Outcome returns what came of a job, as [Lease.Done] was told, or nil if it is not
// done.
func (q *Queue) Outcome(ctx context.Context, j Job) (json.RawMessage, error) {
	e, err := q.outcomes.Get(ctx, j.key())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the outcome of %s: %w", j.Tenant, err)
	}
	return e.Value(), nil
}

// Forget has a job that is done be one that is not.
func (q *Queue) Forget(ctx context.Context, j Job) error {
	if err := q.outcomes.Delete(ctx, j.key()); err != nil {
		return fmt.Errorf("forget the outcome of %s: %w", j.Tenant, err)
	}
	return nil
}
