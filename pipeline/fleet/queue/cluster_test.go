package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// cluster starts three nodes, with TLS and a token, and returns them with their URLs.
func cluster(t *testing.T) (nodes []*Server, o Options) {
	t.Helper()
	c := certificates(t)
	peers := ports(t, 3)
	var urls []string
	for i := range peers {
		s := serve(t, ServerOptions{Node: i + 1, Peers: peers, TLS: c.server, Token: "s3cret"})
		nodes, urls = append(nodes, s), append(urls, s.URL())
		if i == 0 {
			says(t, s.Ready(), "waiting for the other nodes")
		}
	}
	return nodes, Options{URL: strings.Join(urls, ","), TLS: TLS{CA: c.server.CA}, Token: "s3cret"}
}

// Of three nodes one may go for good: what was acknowledged is there, and more can be
// appended and stored. Two may not: nothing is acknowledged then.
func TestCluster(t *testing.T) {
	t.Parallel()
	nodes, o := cluster(t)
	q := dialed(t, o)
	for _, s := range nodes {
		waitFor(t, func() bool { return s.Ready() == nil })
		if n := s.Stats().Peers; n != 2 {
			t.Errorf("it has %d peers", n)
		}
	}
	l := openLog(t, q)
	b := random(3 * partSize)
	check(t, q.Put(t.Context(), "a", bytes.NewReader(b)))
	n := 0
	more := func(count int) {
		for range count {
			check(t, l.Append(fmt.Append(nil, n)))
			n++
		}
	}
	more(20)
	gone := 0
	for i, s := range nodes { // the one that decides is the worst to go
		if s.leads() {
			gone = i
		}
	}
	nodes[gone].Close()
	begin := time.Now()
	more(20)
	t.Logf("the first message after the loss, and 19 more, took %v", time.Since(begin))
	if !bytes.Equal(got(t, q, "a"), b) {
		t.Error("the file is not as it was put")
	}
	check(t, q.Put(t.Context(), "b", bytes.NewReader(b)))
	messages := content(t, openLog(t, q))
	if len(messages) != n || messages[0] != "0" || messages[n-1] != fmt.Sprint(n-1) {
		t.Errorf("the log has %q", messages)
	}
	left := nodes[(gone+1)%3]
	check(t, left.Ready())

	l = openLog(t, q)
	nodes[(gone+2)%3].Close()
	waitFor(t, func() bool { return left.Ready() != nil })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := q.Put(ctx, "c", strings.NewReader("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one node of three stores a file: %v", err)
	}
}

// A peer without the token, or with a certificate of another authority, is none.
func TestForeignPeer(t *testing.T) {
	t.Parallel()
	ours, theirs := certificates(t), certificates(t)
	for _, foreign := range []ServerOptions{{TLS: ours.server, Token: "wr0ng"}, {TLS: theirs.server, Token: "s3cret"}} {
		peers := ports(t, 3)
		a := serve(t, ServerOptions{Node: 1, Peers: peers, TLS: ours.server, Token: "s3cret"})
		foreign.Node, foreign.Peers = 2, peers
		b := serve(t, foreign)
		time.Sleep(2 * time.Second)
		if m, n := a.Stats().Peers, b.Stats().Peers; m != 0 || n != 0 {
			t.Errorf("they have %d and %d peers", m, n)
		}
		a.Close()
		b.Close()
	}
}

// A node that its peers reach by a name listens whatever that is on its own machine.
func TestPeerNames(t *testing.T) {
	t.Parallel()
	c := certificates(t)
	_, port, _ := strings.Cut(ports(t, 1)[0], ":")
	for host, want := range map[string]string{"node1.invalid": "0.0.0.0", "localhost": "localhost", "127.0.0.1": "127.0.0.1"} {
		o := ServerOptions{Listen: "127.0.0.1:0", Node: 1, Peers: []string{host + ":" + port, "node2.invalid:1", "node3.invalid:1"}, TLS: c.server, Token: "s3cret"}
		e, err := o.engine()
		if err != nil {
			t.Fatalf("%s: %v", host, err)
		}
		if e.Cluster.Host != want {
			t.Errorf("%s: it listens on %s, want %s", host, e.Cluster.Host, want)
		}
	}
}
