package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// content returns the messages of a log.
func content(t *testing.T, l *Log) (all []string) {
	t.Helper()
	for b, err := range l.Messages() {
		check(t, err)
		all = append(all, string(b))
	}
	return all
}

func openLog(t *testing.T, q *Queue) *Log {
	t.Helper()
	l, err := q.OpenLog(t.Context(), "nightly-1", "contoso")
	check(t, err)
	return l
}

// A log has what was appended by those who had it before, in order, and nothing of
// others; from those no message comes after it was opened.
func TestLogFence(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	a, b := dialed(t, Options{URL: s.URL()}), dialed(t, Options{URL: s.URL()})
	first := openLog(t, a)
	if got := content(t, first); got != nil {
		t.Errorf("a new log has %q", got)
	}
	other, err := a.OpenLog(t.Context(), "nightly-1", "fabrikam")
	check(t, err)
	check(t, first.Append([]byte("1")))
	check(t, other.Append([]byte("x")))
	check(t, first.Append([]byte("2")))

	second := openLog(t, b)
	for range 2 {
		if err := first.Append([]byte("zombie")); !errors.Is(err, ErrFenced) {
			t.Errorf("the zombie appends: %v", err)
		}
	}
	check(t, second.Append([]byte("3")))
	third := openLog(t, a)
	if got := fmt.Sprint(content(t, third), content(t, second)); got != "[1 2 3] [1 2]" {
		t.Errorf("the log has %s", got)
	}
	check(t, other.Append([]byte("y")))

	check(t, a.purgeLog(t.Context(), "nightly-1", "contoso"))
	if err := third.Append([]byte("4")); !errors.Is(err, ErrFenced) {
		t.Errorf("a log that was removed can be appended to: %v", err)
	}
	if got := content(t, openLog(t, b)); got != nil {
		t.Errorf("after it was removed it has %q", got)
	}
	if err := openLog(t, b).Append(nil); err == nil {
		t.Error("an empty message was appended")
	}
}

// A message whose acknowledgement is lost is in the log once, and the log goes on; if
// another has the log by then, it is fenced.
func TestLogAcknowledgementLost(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	p := newProxy(t, strings.TrimPrefix(s.URL(), "nats://"))
	q := dialed(t, Options{URL: "nats://" + p.addr})
	direct := dialed(t, Options{URL: s.URL()})
	l := openLog(t, q)
	check(t, l.Append([]byte("1")))
	for i := 2; i < 5; i++ {
		p.deaf.Store(true) // the server hears, and is not heard
		done := make(chan error)
		go func() { done <- l.Append(fmt.Append(nil, i)) }()
		waitFor(t, func() bool { return s.Stats().Messages == int64(i+1) }) // with the fence
		p.cut()
		check(t, <-done)
	}
	if got := fmt.Sprint(content(t, openLog(t, direct))); got != "[1 2 3 4]" {
		t.Errorf("the log has %s", got)
	}

	l = openLog(t, q)
	p.deaf.Store(true)
	done := make(chan error)
	go func() { done <- l.Append([]byte("5")) }()
	waitFor(t, func() bool { return s.Stats().Messages == 8 }) // four, three fences, and this
	last := openLog(t, direct)
	p.cut()
	if err := <-done; !errors.Is(err, ErrFenced) {
		t.Errorf("it is not fenced: %v", err)
	}
	if got := fmt.Sprint(content(t, last)); got != "[1 2 3 4 5]" {
		t.Errorf("the log has %s", got)
	}
}

// waitFor waits until a condition holds.
func waitFor(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come about")
		}
	}
}

// A server that is killed, and comes back on its store, has every message that it
// acknowledged, each once, and whoever appends just goes on.
func TestLogServerKilled(t *testing.T) {
	t.Parallel()
	dir, at := t.TempDir(), ports(t, 1)[0]
	url, kill := serveAside(t, dir, at)
	q := dialed(t, Options{URL: url})
	l := openLog(t, q)
	n, kills, stop := 0, 0, make(chan struct{})
	go func() {
		defer close(stop)
		for range 3 {
			time.Sleep(300 * time.Millisecond)
			kill()
			time.Sleep(100 * time.Millisecond)
			_, kill = serveAside(t, dir, at)
			kills++
		}
	}()
	for running := true; running; n++ {
		check(t, l.Append(fmt.Append(nil, n)))
		select {
		case <-stop:
			running = false
		default:
		}
	}
	got := content(t, openLog(t, q))
	if len(got) != n || kills != 3 {
		t.Errorf("it has %d messages of %d after %d kills", len(got), n, kills)
	}
	for i, text := range got {
		if text != fmt.Sprint(i) {
			t.Fatalf("message %d is %s", i, text)
		}
	}
}

// The end of its context ends an append that no server answers.
func TestLogWithoutServer(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	q := dialed(t, Options{URL: s.URL()})
	ctx, cancel := context.WithCancelCause(t.Context())
	l, err := q.OpenLog(ctx, "nightly-1", "contoso")
	check(t, err)
	s.Close()
	lost := errors.New("the lease is lost")
	time.AfterFunc(200*time.Millisecond, func() { cancel(lost) })
	err = l.Append([]byte("1"))
	if !errors.Is(err, lost) {
		t.Errorf("the error is %v", err)
	}
	says(t, err, "append to the log: ")
}

// A log is read whole, and in order, however often the connection is cut meanwhile.
func TestLogReadAcrossCuts(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	direct := dialed(t, Options{URL: s.URL()})
	l := openLog(t, direct)
	const n = 400
	pad := strings.Repeat("x", 64<<10)
	for i := range n {
		check(t, l.Append(fmt.Append(nil, i, " ", pad)))
	}
	p := newProxy(t, strings.TrimPrefix(s.URL(), "nats://"))
	q := dialed(t, Options{URL: "nats://" + p.addr})
	i := 0
	for b, err := range openLog(t, q).Messages() {
		check(t, err)
		if !strings.HasPrefix(string(b), fmt.Sprint(i, " ")) {
			t.Fatalf("message %d is %.10q", i, b)
		}
		if i++; i%100 == 50 {
			p.cut()
		}
	}
	if i != n {
		t.Errorf("there are %d messages of %d", i, n)
	}
}
