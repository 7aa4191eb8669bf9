package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline/fleet/queue"
	"rollcall/report"
)

// reachable returns the URL of a server with this machine's name, if it listens on all
// its addresses.
func reachable(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsUnspecified() && hostName() != "" {
		u.Host = net.JoinHostPort(hostName(), u.Port())
	}
	return u.String()
}

// A fleetServer is a server at work.
type fleetServer struct {
	s   *queue.Server
	url string

	mu    sync.Mutex
	queue *queue.Queue // for the metrics; nil until they are first asked for, as is list
	list  *fleetList
}

// await waits until stop is closed, and logs when the server becomes ready, and when it
// no longer is. It returns an error if the server will not be before it is started again.
func (s *fleetServer) await(stop <-chan struct{}, log *zap.Logger) error {
	working, cancel := s.s.WhileWorking(context.Background())
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := errors.New("")
	for {
		err := s.s.Ready()
		switch {
		case err == nil && last != nil:
			log.Info("ready", zap.String("url", s.url))
		case err != nil && (last == nil || last.Error() != err.Error()):
			log.Warn("not ready", zap.Error(err))
		}
		last = err
		select {
		case <-tick.C:
		case <-working.Done():
			return context.Cause(working)
		case <-stop:
			return nil
		}
	}
}

// metrics writes the state of the server and of its fleets for Prometheus.
func (s *fleetServer) metrics(ctx context.Context, w io.Writer, ready bool) error {
	n := s.s.Stats()
	stats := report.FleetServerStats{Ready: ready, Leader: n.Leader, Connections: n.Connections, Peers: n.Peers,
		Messages: n.Messages, Bytes: n.Bytes, In: n.MessagesIn, Out: n.MessagesOut, Slow: n.Slow}
	if ready {
		fleets, err := s.fleets(ctx)
		if err != nil {
			return err
		}
		stats.Fleets = fleets
	}
	return report.FleetServerMetrics(w, &stats)
}

// fleets returns how far all fleets are.
func (s *fleetServer) fleets(ctx context.Context) ([]*report.FleetStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue == nil {
		q, err := s.s.Connect(ctx)
		if err != nil {
			return nil, err
		}
		s.queue = q
	}
	if s.list == nil {
		v, err := s.queue.Watch(ctx)
		if err != nil {
			return nil, err
		}
		s.list = &fleetList{queue: s.queue, view: v, short: true}
	}
	return s.list.all(ctx)
}

func (s *fleetServer) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list != nil {
		s.list.view.Close()
	}
	if s.queue != nil {
		s.queue.Close()
	}
	s.s.Close()
}
