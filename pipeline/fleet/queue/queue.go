// Package queue holds the jobs of fleets and what came of them, and is all that
// knows the engine: NATS JetStream.
package queue

import (
	"context"

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
	jobs      jetstream.KeyValue    // Job.Key: entry of a job that is not ended
	fleets    jetstream.KeyValue    // ID: Fleet
	outcomes  jetstream.KeyValue    // ID.TENANT: what came of a job
	schedules jetstream.KeyValue    // name: Schedule
	files     jetstream.ObjectStore // see Put

}

// Connect returns a client of the server at a URL. If the server can't be reached it
// tries again until ctx ends. Once connected it goes on reconnecting for ever.
func Connect(ctx context.Context, o Options) (*Queue, error) { return nil, errSkeleton }

// Close ends the client. What it has sent has gone.
func (q *Queue) Close() {}
