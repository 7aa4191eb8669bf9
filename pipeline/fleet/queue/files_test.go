package queue

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// random returns n bytes that no other call returns.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// got returns a file of the store.
func got(t *testing.T, q *Queue, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, q.Get(t.Context(), name, &b))
	return b.Bytes()
}

// A file of any size comes back as it was put, replaces what it was, and leaves nothing
// when it is deleted. A Put that fails changes nothing.
func TestFiles(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	q := dialed(t, Options{URL: s.URL()})
	names := []string{"rosters/x", "results/nightly-1/contoso.csv", "a name > of * any. kind"}
	for _, size := range []int{0, 1, partSize - 1, partSize, partSize + 1, 3*partSize + 7, 11 * partSize, 5} {
		for _, name := range names {
			b := random(size)
			check(t, q.Put(t.Context(), name, iotest.HalfReader(bytes.NewReader(b))))
			if !bytes.Equal(got(t, q, name), b) {
				t.Errorf("%s of %d bytes is not as it was put", name, size)
			}
			failing := io.MultiReader(bytes.NewReader(random(3*partSize)), iotest.ErrReader(errors.New("torn")))
			says(t, q.Put(t.Context(), name, failing), "store "+name+": torn")
			if has, err := q.Has(t.Context(), name); !has || err != nil || !bytes.Equal(got(t, q, name), b) {
				t.Errorf("a Put that failed changed %s: %v, %v", name, has, err)
			}
		}
	}
	for _, name := range names {
		check(t, q.Delete(t.Context(), name))
		check(t, q.Delete(t.Context(), name))
		if err := q.Get(t.Context(), name, io.Discard); !errors.Is(err, ErrNoFile) {
			t.Errorf("it is there still: %v", err)
		}
		if has, err := q.Has(t.Context(), name); has || err != nil {
			t.Errorf("it is there still: %v, %v", has, err)
		}
	}
	clean := newCollector(q)
	for range 2 { // what was replaced could be being read
		check(t, clean.run(t.Context(), time.Now().Add(time.Hour)))
	}
	if n := s.Stats().Messages; n != 0 {
		t.Errorf("%d messages are left", n)
	}
}

// What is not as it was put is an error: other bytes, and a part that is missing.
func TestFilesDamaged(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	q := dialed(t, Options{URL: s.URL()})
	for _, size := range []int{10, 3 * partSize} {
		check(t, q.Put(t.Context(), "a", bytes.NewReader(random(size))))
		h, err := q.head(t.Context(), "a")
		check(t, err)
		b := h.data
		subject := fileSubject("a")
		m := nats.NewMsg(subject)
		if h.Parts > 0 {
			m.Subject = partSubject + h.ID + ".1"
			b = random(partSize)
		} else {
			old, err := q.message(t.Context(), subject)
			check(t, err)
			m.Header.Set(headHeader, old.Header.Get(headHeader))
			b = append([]byte("x"), b[1:]...)
		}
		m.Data = b
		check(t, q.publish(t.Context(), m))
		says(t, q.Get(t.Context(), "a", io.Discard), "fetch a: its content is not what was stored")
		if h.Parts > 0 {
			check(t, q.purgeFiles(t.Context(), jetstream.WithPurgeSubject(m.Subject)))
			err := q.Get(t.Context(), "a", io.Discard)
			says(t, err, "fetch a: it is damaged: a part of it is missing")
			if errors.Is(err, ErrNoFile) {
				t.Error("it counts as one that there is not")
			}
			if has, err := q.Has(t.Context(), "a"); has || err != nil {
				t.Errorf("it counts as one that need not be put: %v, %v", has, err)
			}
			whole := random(size)
			check(t, q.Put(t.Context(), "a", bytes.NewReader(whole)))
			if !bytes.Equal(got(t, q, "a"), whole) {
				t.Error("it can't be replaced")
			}
		}
	}
}

// A file is put and fetched across the death of its server.
func TestFilesServerKilled(t *testing.T) {
	t.Parallel()
	dir, at := t.TempDir(), ports(t, 1)[0]
	url, kill := serveAside(t, dir, at)
	q := dialed(t, Options{URL: url})
	b := random(20 << 20)
	again := func() {
		kill()
		time.Sleep(100 * time.Millisecond)
		_, kill = serveAside(t, dir, at)
	}
	var wg sync.WaitGroup
	wg.Go(func() { time.Sleep(50 * time.Millisecond); again() })
	check(t, q.Put(t.Context(), "a", bytes.NewReader(b)))
	wg.Wait()
	wg.Go(func() { time.Sleep(20 * time.Millisecond); again() })
	if !bytes.Equal(got(t, q, "a"), b) {
		t.Error("it is not as it was put")
	}
	wg.Wait()
}
