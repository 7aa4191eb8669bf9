package queue

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// TestMain is a server of its own if it is asked to be one: see serveAside.
func TestMain(m *testing.M) {
	if dir := os.Getenv("ROLLCALL_TEST_STORE"); dir != "" {
		s, err := Serve(context.Background(), ServerOptions{Dir: dir, Listen: os.Getenv("ROLLCALL_TEST_LISTEN")})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(s.URL())
		select {}
	}
	flag.Set("test.parallel", "16") // most of them wait
	os.Exit(m.Run())
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// says checks the text of an error.
func says(t *testing.T, err error, want ...string) {
	t.Helper()
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("the error is %v, want %q in it", err, w)
		}
	}
}

// serve starts a server on a port of its own.
func serve(t testing.TB, o ServerOptions) *Server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	s, err := Serve(t.Context(), o)
	check(t, err)
	t.Cleanup(s.Close)
	return s
}

// dialed connects to a server.
func dialed(t testing.TB, o Options) *Queue {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	q, err := Connect(ctx, o)
	check(t, err)
	t.Cleanup(q.Close)
	return q
}

// serveAside starts a server in another process, which the function that it returns
// kills.
func serveAside(t testing.TB, dir, listen string) (url string, kill func()) {
	t.Helper()
	url, _, kill = serveAsideProcess(t, dir, listen)
	return url, kill
}

// serveAsideProcess is serveAside, and returns which process it is.
func serveAsideProcess(t testing.TB, dir, listen string) (url string, pid int, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ROLLCALL_TEST_STORE="+dir, "ROLLCALL_TEST_LISTEN="+listen)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	kill = func() { cmd.Process.Kill(); cmd.Wait() }
	t.Cleanup(kill)
	b := make([]byte, 100)
	n, err := out.Read(b)
	check(t, err)
	return strings.TrimSpace(string(b[:n])), cmd.Process.Pid, kill
}

// ports returns addresses that nobody listens on, and that no system gives out by
// itself.
func ports(t *testing.T, n int) (at []string) {
	t.Helper()
	for len(at) < n {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000)))
		if err != nil {
			continue
		}
		defer l.Close()
		at = append(at, l.Addr().String())
	}
	return at
}

// A server beyond loopback has a certificate and a token, or is none; one whose
// options can't be meant is none either. No refusal leaves a store.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	c := certificates(t)
	peers := []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}
	for _, test := range []struct {
		o    ServerOptions
		want string
	}{
		{ServerOptions{Listen: "0.0.0.0:0"}, "listen on 0.0.0.0:0: beyond this machine that needs a certificate"},
		{ServerOptions{Listen: ":0", Token: "s3cret"}, "needs a certificate"},
		{ServerOptions{Listen: "fleet.example.com:0", Token: "s3cret"}, "needs a certificate"},
		{ServerOptions{Listen: "[::]:0", TLS: c.server}, "needs a token"},
		{ServerOptions{Listen: "127.0.0.1:0", Node: 1, Peers: []string{"127.0.0.1:1", "10.0.0.2:1", "127.0.0.1:2"}}, "listen on 10.0.0.2:1: beyond this machine that needs a certificate"},
		{ServerOptions{Listen: "127.0.0.1:0", Node: 4, Peers: peers}, "node 4: want one of the 3 peers"},
		{ServerOptions{Listen: "127.0.0.1:0", Peers: peers}, "node 0: want one of the 3 peers"},
		{ServerOptions{Listen: "127.0.0.1:0", Node: 1, Peers: peers[:2]}, "a cluster of 2: want three"},
		{ServerOptions{Listen: "127.0.0.1:0", Node: 1}, "a cluster of 0: want three"},
		{ServerOptions{Listen: "127.0.0.1:0", Node: 1, Peers: append(peers[:2:2], peers[0])}, "named twice"},
		{ServerOptions{Node: 1, Peers: peers}, "has to listen"},
		{ServerOptions{Listen: "4233"}, `address "4233": want host:port`},
		{ServerOptions{Listen: "127.0.0.1:99999"}, "want host:port"},
		{ServerOptions{Listen: "127.0.0.1:0", TLS: TLS{Cert: "none.pem", Key: c.server.Key}}, `read the certificate "none.pem": no such file`},
		{ServerOptions{Listen: "127.0.0.1:0", TLS: TLS{Cert: c.server.CA, Key: c.server.Key}}, "private key does not match"},
		{ServerOptions{Listen: "127.0.0.1:0", TLS: TLS{Cert: c.server.Cert, Key: c.server.Key, CA: c.server.Key}}, "no certificate in PEM"},
		{ServerOptions{Listen: "127.0.0.1:0", TLS: TLS{CA: c.server.CA}}, "TLS needs a certificate"},
	} {
		test.o.Dir = filepath.Join(t.TempDir(), "store")
		s, err := Serve(t.Context(), test.o)
		if err == nil {
			s.Close()
		}
		says(t, err, "serve: ", test.want)
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the token is in %v", err)
		}
		if _, err := os.Stat(test.o.Dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: there is a store", test.want)
		}
	}
}

// With a certificate and a token a server may listen on every address.
func TestServeBeyondLoopback(t *testing.T) {
	t.Parallel()
	c := certificates(t)
	s := serve(t, ServerOptions{Listen: "0.0.0.0:0", TLS: c.server, Token: "s3cret"})
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.URL(), "tls://"))
	check(t, err)
	dialed(t, Options{URL: "tls://localhost:" + port, TLS: TLS{CA: c.server.CA}, Token: "s3cret"})
	check(t, s.Ready())
}

// A port that is taken is named.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	_, err = Serve(t.Context(), ServerOptions{Dir: t.TempDir(), Listen: l.Addr().String()})
	says(t, err, "serve: listen on "+l.Addr().String()+": ", "in use")
}

// A store is one server's, of one node and version, and only its owner can look into
// it.
func TestStore(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "store")
	s := serve(t, ServerOptions{Dir: dir})
	_, err := Serve(t.Context(), ServerOptions{Dir: dir})
	says(t, err, "open the store "+dir+": it is held by another run")
	q, err := s.Connect(t.Context())
	check(t, err)
	check(t, q.Put(t.Context(), "a", strings.NewReader("x")))
	q.Close()
	if runtime.GOOS != "windows" {
		check(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			check(t, err)
			i, err := d.Info()
			check(t, err)
			if i.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %v", name, i.Mode())
			}
			return nil
		}))
	}
	s.Close()

	_, err = Serve(t.Context(), ServerOptions{Dir: dir, Listen: "127.0.0.1:0", Node: 2, Peers: ports(t, 3)})
	says(t, err, "open the store", "it is of a single node, not of node 2")
	mark := filepath.Join(dir, "store.json")
	check(t, os.WriteFile(mark, []byte(`{"format": 7}`), 0o600))
	_, err = Serve(t.Context(), ServerOptions{Dir: dir})
	says(t, err, "it is of version 7; this rollcall knows version 1")
	check(t, os.Remove(mark))
	_, err = Serve(t.Context(), ServerOptions{Dir: dir})
	says(t, err, "it is of an earlier version of rollcall")
}

// A store in use by another process is refused, with that process named.
func TestStoreOfAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, kill := serveAside(t, dir, "127.0.0.1:0")
	_, err := Serve(t.Context(), ServerOptions{Dir: dir})
	says(t, err, "it is held by another run: pid ")
	kill()
	serve(t, ServerOptions{Dir: dir})
}

// A store on a network's file system is refused.
func TestNetworkFileSystem(t *testing.T) {
	t.Parallel()
	check(t, checkFileSystem(t.TempDir(), fileSystem))
	says(t, checkFileSystem(t.TempDir(), func(string) (string, error) { return "NFS", nil }), "it is on NFS, which does not keep")
}

// What the engine says is in our log, without the token; in the store it is nowhere.
func TestSecretNowhere(t *testing.T) {
	t.Parallel()
	core, seen := observer.New(zap.DebugLevel)
	const token = "s3cret/with+signs"
	peers := ports(t, 3)
	dir := t.TempDir()
	s := serve(t, ServerOptions{Dir: dir, Node: 1, Peers: peers, Token: token, Log: zap.New(core)})
	_, err := Connect(t.Context(), Options{URL: s.URL(), Token: "wr0ng"})
	says(t, err, "connect to "+s.URL()+": the server does not accept the token")
	waitFor(t, func() bool { return seen.FilterMessageSnippet("route").Len() > 0 })
	time.Sleep(time.Second) // for routes to be tried
	s.log.Warnf("no way to %s", &url.URL{Scheme: "nats-route", Host: "a:1", User: url.UserPassword(clusterUser, token)})
	s.log.Errorf("authorization: %q", token)
	s.log.Fatalf("bad: %v", token)
	says(t, s.Ready(), "bad: ****")
	s.Close()
	for _, l := range seen.All() {
		text := fmt.Sprint(l.Message, l.ContextMap())
		for _, secret := range []string{token, "s3cret", "wr0ng"} {
			if strings.Contains(text, secret) {
				t.Errorf("it logs %q", text)
			}
		}
	}
	check(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			b, err := os.ReadFile(name)
			check(t, err)
			if bytes.Contains(b, []byte("s3cret")) {
				t.Errorf("%s holds the token", name)
			}
		}
		return err
	}))
}

// The numbers of a server tell of its clients and its store.
func TestStats(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	before := s.Stats()
	q := dialed(t, Options{URL: s.URL()})
	check(t, q.Put(t.Context(), "a", strings.NewReader("x")))
	after := s.Stats()
	if after.Connections != before.Connections+1 || after.Messages != before.Messages+1 || after.Bytes <= before.Bytes || !after.Leader || after.Streams < 6 || after.MessagesIn <= before.MessagesIn {
		t.Errorf("it has %+v, and before %+v", after, before)
	}
}

// What is acknowledged is on the disk, which no killed process can show.
func TestSynced(t *testing.T) {
	t.Parallel()
	if e, err := (&ServerOptions{Dir: t.TempDir()}).engine(); err != nil || !e.SyncAlways {
		t.Errorf("the engine does not sync: %v", err)
	}
}

// A server that can't write any more is not ready, and says why. No client can say so for it.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	check(t, s.Ready())
	s.log.Errorf(`127.0.0.1:5 - cid:7 - "JetStream critical write error: no" - %s`, "authentication error")
	check(t, s.Ready())
	s.log.Errorf("JetStream stream '%s > %s' critical write error: %v", "$G", "FILES", "no space left on device")
	says(t, s.Ready(), "the store "+s.o.Dir+" can't be written any more: no space left on device")
}
