package queue

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"rollcall/pipeline/lock"
)

// ServerOptions say how a server works.
type ServerOptions struct {
	Dir    string        // of the store; made if need be
	Listen string        // host:port for clients; "" listens on no port
	Node   int           // of Peers, from 1
	Peers  []string      // host:port of the routes of all nodes of a cluster; none for a single node
	TLS    TLS           // for clients and for peers
	Token  string        // what clients and peers have to show; "" for none, on loopback alone
	Keep   time.Duration // how long a fleet that has ended is kept; 0 for ever
	Log    *zap.Logger   // nil logs nothing
}

// A Server holds the store, until Close.
type Server struct {
	o      ServerOptions
	log    *natsLog
	lock   *lock.Lock
	engine *server.Server
	own    *Queue        // its own client; its store is opened when made is closed
	made   chan struct{} // closed when the store is there
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

const (
	startTimeout = 10 * time.Minute // a large store is read first
	madeTimeout  = time.Minute      // of the store of a single node
)

// Serve starts a server. It refuses to listen beyond loopback without a certificate
// and a token, and a store that is of another version, in use, or on a file system
// that does not keep what a store needs kept.
//
// A node of a cluster does not wait for the others: Ready says when it has them. The
// end of ctx ends the start, and not the server.
func Serve(ctx context.Context, o ServerOptions) (*Server, error) {
	o.Log = orNop(o.Log)
	s := &Server{o: o, log: newNatsLog(o.Log, o.Token), made: make(chan struct{}), cancel: func() {}}
	options, err := o.engine()
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	if s.lock, err = claim(ctx, o.Dir, o.Node); err != nil {
		return nil, fmt.Errorf("open the store %s: %w", o.Dir, err)
	}
	if err := s.start(ctx, options); err != nil {
		s.Close()
		return nil, fmt.Errorf("start the server of %s: %w", o.Dir, err)
	}
	return s, nil
}

// start starts the engine and what tends the store.
func (s *Server) start(ctx context.Context, options *server.Options) (err error) {
	if s.engine, err = server.NewServer(options); err != nil {
		return err
	}
	s.engine.SetLoggerV2(s.log, false, false, false)
	s.tasks.Go(s.engine.Start)
	for begin := time.Now(); !s.engine.ReadyForConnections(25 * time.Millisecond); {
		if err := errors.Join(s.log.failure(), context.Cause(ctx)); err != nil {
			return err
		}
		if time.Since(begin) > startTimeout {
			return errors.New("it does not come up")
		}
	}
	s.tasks.Wait()
	if err := s.log.failure(); err != nil {
		return err
	}
	if s.own, err = dialUntil(ctx, "server", s.o.Log, s.dial); err != nil {
		return err
	}
	tend, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	if len(s.o.Peers) > 0 {
		s.tasks.Go(func() { s.tend(tend) })
		return nil
	}
	ctx, end := context.WithTimeout(ctx, madeTimeout)
	defer end()
	if err := s.own.retry(ctx, s.makeStore); err != nil {
		return cause(err)
	}
	s.tasks.Go(func() { s.tend(tend) })
	return nil
}

// dial connects a client in process.
func (s *Server) dial(more ...nats.Option) (*nats.Conn, error) {
	return nats.Connect("", append(more, nats.InProcessServer(s.engine), nats.Token(s.o.Token))...)
}

// makeStore makes what the store lacks and opens it.
func (s *Server) makeStore(ctx context.Context) error {
	err := makeStore(ctx, s.own.js, min(3, max(1, len(s.o.Peers))))
	if err == nil {
		err = s.own.open(ctx)
	}
	if err == nil {
		close(s.made)
	}
	return err
}

// tend makes the store, as soon as there are enough nodes for it, and then does what a
// server of many machines has to do by itself, until ctx ends.
func (s *Server) tend(ctx context.Context) {
	for !s.isMade() {
		try, cancel := context.WithTimeout(ctx, tryTimeout)
		err := s.makeStore(try)
		cancel()
		if err != nil {
			s.o.Log.Debug("the store is not made yet", zap.Error(cause(err)))
			if wait(ctx, 500*time.Millisecond) != nil {
				return
			}
		}
	}
	if s.o.Listen == "" {
		return
	}
	var tasks sync.WaitGroup
	defer tasks.Wait()
	tasks.Go(func() { s.own.fire(ctx) })
	tasks.Go(func() { s.clean(ctx) })
	tasks.Go(func() { s.own.recoverAbandoned(ctx) })
	tasks.Go(func() { s.own.tellSilences(ctx) })
}

func (s *Server) isMade() bool {
	select {
	case <-s.made:
		return true
	default:
		return false
	}
}

// URL returns where clients find the server, or "" if it listens on no port.
func (s *Server) URL() string {
	if s.o.Listen == "" {
		return ""
	}
	return s.engine.ClientURL()
}

// errTooFew is why a cluster that has lost too many nodes is not ready.
var errTooFew = errors.New("there are too few nodes")

// Ready returns nil if the server can take and give jobs, or why it can't.
func (s *Server) Ready() error {
	if err := s.broken(); err != nil {
		return err
	}
	if !s.isMade() {
		return errors.New("waiting for the other nodes")
	}
	if n := len(s.o.Peers); n > 0 && s.Stats().Peers+1 <= n/2 { // the engine notices that later
		return errTooFew
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	switch info, err := s.own.journals.Info(ctx); {
	case err != nil:
		return fmt.Errorf("the store does not answer: %w", cause(err))
	case info.Cluster != nil && info.Cluster.Leader == "" && len(s.o.Peers) > 0:
		return errTooFew
	}
	return nil
}

// Connect returns a client of the server in its own process.
func (s *Server) Connect(ctx context.Context) (*Queue, error) {
	q, err := connect(ctx, "server", s.o.Log, s.dial)
	if err != nil {
		return nil, fmt.Errorf("connect to the server of %s: %w", s.o.Dir, err)
	}
	return q, nil
}

// Close ends the server. What it acknowledged is on the disk.
func (s *Server) Close() {
	s.cancel()
	s.tasks.Wait()
	if s.own != nil {
		s.own.Close()
	}
	if s.engine != nil {
		s.engine.Shutdown()
		s.engine.WaitForShutdown()
	}
	s.lock.Release()
}

// ServerStats are the numbers of a server at one moment.
type ServerStats struct {
	Connections int   // of clients
	Peers       int   // that this node is connected to
	Leader      bool  // of the cluster; always, of a single node
	Streams     int   // of the store, as this node has it
	Messages    int64 // in them
	Bytes       int64 // of them
	MessagesIn  int64 // since the start, from clients
	MessagesOut int64
	Slow        int64 // clients that were cut off because they read too slowly
}

// Stats returns the numbers of the server.
func (s *Server) Stats() ServerStats {
	t := ServerStats{Leader: s.leads()}
	if v, err := s.engine.Varz(nil); err == nil {
		t.Connections, t.MessagesIn, t.MessagesOut, t.Slow = v.Connections, v.InMsgs, v.OutMsgs, v.SlowConsumers
	}
	if r, err := s.engine.Routez(nil); err == nil {
		peers := map[string]bool{}
		for _, route := range r.Routes {
			peers[route.RemoteID] = true
		}
		t.Peers = len(peers)
	}
	if j, err := s.engine.Jsz(nil); err == nil {
		t.Streams, t.Messages, t.Bytes = j.Streams, int64(j.Messages), int64(j.Bytes)
	}
	return t
}

// leads reports whether this is the node that decides for the cluster.
func (s *Server) leads() bool { return len(s.o.Peers) == 0 || s.engine.JetStreamIsLeader() }

// engine returns the options of the engine, or what is wrong with o.
func (o *ServerOptions) engine() (*server.Options, error) {
	e := &server.Options{
		ServerName: "rollcall", NoSigs: true, DisableJetStreamBanner: true, DontListen: o.Listen == "",
		JetStream: true, StoreDir: filepath.Clean(o.Dir), SyncAlways: true, JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 50,
		Authorization: o.Token, PingInterval: 30 * time.Second, TLSTimeout: 5, MaxPayload: server.MAX_PAYLOAD_SIZE,
	}
	return e, o.listens(e)
}
