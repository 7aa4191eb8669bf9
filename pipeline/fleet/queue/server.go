package queue

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
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

// TLS names the files of certificates and keys, in PEM.
type TLS struct {
	Cert, Key string // of this side; a client needs none unless the server asks for it
	CA        string // whom to trust; "" trusts whom the system does
	ClientCA  string // of a server: every client has to have a certificate of it; "" asks for none
}

// A Server holds the store, until Close.
type Server struct {
	o ServerOptions
}

// ServerStats are the numbers of a server at one moment.
type ServerStats struct {
	Connections int   // of clients
	Peers       int   // that this node is connected to
	Leader      bool  // of the cluster; always, of a single node
	Streams     int   // of the store, as this node has it
	Messages    int64 // in them
	Bytes       int64 // on the disk
	MessagesIn  int64 // since the start, from clients
	MessagesOut int64
	Slow        int64 // clients that were cut off because they read too slowly
}

var errSkeleton = errors.New("not done yet")

// Serve starts a server. It refuses to listen beyond loopback without a certificate
// and a token, and a store that is of another version, in use, or on a file system
// whose locks and syncs are not to be relied upon.
//
// A node of a cluster does not wait for the others: Ready says when it has them.
func Serve(ctx context.Context, o ServerOptions) (*Server, error) { return nil, errSkeleton }

// URL returns where clients find the server, or "" if it listens on no port.
func (s *Server) URL() string { return "" }

// Ready returns nil if the server can take and give jobs, or why it can't.
func (s *Server) Ready() error { return errSkeleton }

// Stats returns the numbers of the server.
func (s *Server) Stats() ServerStats { return ServerStats{} }

// Connect returns a client of the server in its own process.
func (s *Server) Connect(ctx context.Context) (*Queue, error) { return nil, errSkeleton }

// Close ends the server. What it acknowledged is on the disk.
func (s *Server) Close() {}
