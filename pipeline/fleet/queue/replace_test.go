package queue

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// A writeFunc is a writer.
type writeFunc func([]byte) (int, error)

func (f writeFunc) Write(b []byte) (int, error) { return f(b) }

// Whoever reads a file while it is replaced has the one that was there when it began, and
// one that is deleted meanwhile is as one that there is not.
func TestReplacedWhileRead(t *testing.T) {
	q := alone(t)
	was, later := random(9*partSize), random(9*partSize)
	check(t, q.Put(t.Context(), "a", bytes.NewReader(was)))
	read := func(meanwhile func()) ([]byte, error) {
		var b bytes.Buffer
		first := true
		err := q.Get(t.Context(), "a", writeFunc(func(p []byte) (int, error) {
			if first && len(p) > 0 {
				first = false
				meanwhile()
			}
			return b.Write(p)
		}))
		return b.Bytes(), err
	}
	b, err := read(func() { check(t, q.Put(t.Context(), "a", bytes.NewReader(later))) })
	if err != nil || !bytes.Equal(b, was) {
		t.Errorf("it is not as it was: %v", err)
	}
	if !bytes.Equal(got(t, q, "a"), later) {
		t.Error("it was not replaced")
	}
	if _, err := read(func() { check(t, q.Delete(t.Context(), "a")) }); !errors.Is(err, ErrNoFile) {
		t.Errorf("the error is %v", err)
	}
}

// A file that is put again as it is keeps its parts, and there are no others.
func TestPutTheSame(t *testing.T) {
	q := alone(t)
	b := random(3 * partSize)
	check(t, q.Put(t.Context(), "a", bytes.NewReader(b)))
	was, err := q.head(t.Context(), "a")
	check(t, err)
	check(t, q.Put(t.Context(), "a", bytes.NewReader(b)))
	h, err := q.head(t.Context(), "a")
	check(t, err)
	parts, err := q.subjects(t.Context(), filesStream, partSubject+">")
	check(t, err)
	if h.ID != was.ID || h.seq == was.seq || len(parts) != was.Parts || !bytes.Equal(got(t, q, "a"), b) {
		t.Errorf("it is %+v, was %+v, of %d parts", h, was, len(parts))
	}
}

// A file is not replaced and not deleted by who may not, asked when it has seen what is
// there: not even by one that stood still for so long that another has put the file.
func TestAllowed(t *testing.T) {
	q := alone(t)
	lost := errors.New("lost")
	mine, theirs := random(3*partSize), random(3*partSize)
	check(t, q.Put(t.Context(), "a", bytes.NewReader(random(partSize))))
	slow := func() func() error { // allowed, until the other has put the file
		calls := 0
		return func() error {
			if calls++; calls > 1 {
				return lost
			}
			return q.Put(t.Context(), "a", bytes.NewReader(theirs))
		}
	}
	for what, err := range map[string]error{
		"refused put":    q.PutIf(t.Context(), "b", bytes.NewReader(mine), func() error { return lost }),
		"slow put":       q.PutIf(t.Context(), "a", bytes.NewReader(mine), slow()),
		"refused delete": q.DeleteIf(t.Context(), "a", func() error { return lost }),
		"slow delete":    q.DeleteIf(t.Context(), "a", slow()),
	} {
		if !errors.Is(err, lost) {
			t.Errorf("%s: the error is %v", what, err)
		}
	}
	if !bytes.Equal(got(t, q, "a"), theirs) {
		t.Error("it is not that of the other")
	}
	if err := q.Get(t.Context(), "b", io.Discard); !errors.Is(err, ErrNoFile) {
		t.Errorf("it was put: %v", err)
	}
}

// A Put whose answer is lost has either changed nothing or put the file.
func TestPutUnanswered(t *testing.T) {
	s := serve(t, ServerOptions{})
	direct := within(t, s)
	p := newProxy(t, strings.TrimPrefix(s.URL(), "nats://"))
	q := dialed(t, Options{URL: "nats://" + p.addr})
	was, b := random(3*partSize), random(3*partSize)
	check(t, direct.Put(t.Context(), "a", bytes.NewReader(was)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := q.PutIf(ctx, "a", bytes.NewReader(b), func() error {
		p.deaf.Store(true)
		time.AfterFunc(300*time.Millisecond, cancel)
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if !bytes.Equal(got(t, direct, "a"), b) {
		t.Error("the file is not what was put")
	}
}
