package queue

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// A file is a message with its head: fleet.files.head.NAME. The content of a small one
// stands there, too, so that a thousand rosters cost a thousand writes of the disk;
// that of others is in fleet.files.part.ID.N, which are there before the head is.
const (
	headSubject = filesSubject + "head."
	partSubject = filesSubject + "part."
	headHeader  = "Rollcall-File"
	partSize    = 256 << 10
	partsAtOnce = 4
)

// ErrNoFile is the cause of the error of a file that is not in the store.
var ErrNoFile = errors.New("there is no such file in the store")

// A fileHead says what a file is.
type fileHead struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	ID     string `json:"id,omitempty"` // of its parts
	Parts  int    `json:"parts,omitempty"`
}

// RosterName is what a roster, or a file that stands beside it, is called in the store.
func RosterName(sha256 string) string { return "rosters/" + sha256 }

// ResultName is what a file of the results of a tenant is called in the store; suffix
// is .csv, .csv.json or .csv.journal.
func ResultName(fleet, tenant, suffix string) string {
	return "results/" + fleet + "/" + tenant + suffix
}

// fileSubject returns where the head of a file is.
func fileSubject(name string) string {
	sum := sha256.Sum256([]byte(name))
	return headSubject + hex.EncodeToString(sum[:])
}

// Put stores what r has as the file called name, in place of what it was, as a whole:
// it is either the old or the new.
func (q *Queue) Put(ctx context.Context, name string, r io.Reader) error {
	old, _, err := q.head(ctx, name)
	if err != nil && !errors.Is(err, ErrNoFile) {
		return fmt.Errorf("store %s: %w", name, err)
	}
	h := &fileHead{Name: name}
	if err := q.put(ctx, h, r); err != nil {
		q.removeParts(context.WithoutCancel(ctx), h)
		return fmt.Errorf("store %s: %w", name, cause(err))
	}
	if old != nil {
		if err := q.removeParts(ctx, old); err != nil {
			return fmt.Errorf("store %s: remove what it was: %w", name, cause(err))
		}
	}
	return nil
}

// put stores the parts of a file, and then its head.
func (q *Queue) put(ctx context.Context, h *fileHead, r io.Reader) error {
	sum := sha256.New()
	first, err := part(r, sum)
	if err != nil {
		return err
	}
	h.Size = int64(len(first))
	inline := first
	if len(first) == partSize { // there may be more
		inline, h.ID = nil, rand.Text()
		if err := q.putParts(ctx, h, first, r, sum); err != nil {
			return err
		}
	}
	h.SHA256 = hex.EncodeToString(sum.Sum(nil))
	head, err := json.Marshal(h)
	if err != nil {
		return err
	}
	m := nats.NewMsg(fileSubject(h.Name))
	m.Header.Set(headHeader, string(head))
	m.Data = inline
	return q.publish(ctx, m)
}

// putParts stores the parts of a file, of which the first was read.
func (q *Queue) putParts(ctx context.Context, h *fileHead, b []byte, r io.Reader, sum hash.Hash) (err error) {
	g, some := errgroup.WithContext(ctx)
	g.SetLimit(partsAtOnce)
	for len(b) > 0 && err == nil && some.Err() == nil {
		m := nats.NewMsg(partSubject + h.ID + "." + strconv.Itoa(h.Parts))
		m.Data = b
		h.Parts++
		g.Go(func() error { return q.publish(some, m) })
		if b, err = part(r, sum); err == nil {
			h.Size += int64(len(b))
		}
	}
	return errors.Join(err, g.Wait())
}

// part reads the next part of a file; the last one is shorter than the others.
func part(r io.Reader, sum hash.Hash) ([]byte, error) {
	b := make([]byte, partSize)
	n, err := io.ReadFull(r, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	sum.Write(b[:n])
	return bytes.Clone(b[:n]), err
}

// publish stores a message as the only one of its subject. Doing it twice is no harm.
func (q *Queue) publish(ctx context.Context, m *nats.Msg) error {
	return q.retry(ctx, func(ctx context.Context) error {
		_, err := q.js.PublishMsg(ctx, m)
		return err
	})
}

// Get writes the file called name to w. It is an error if what is stored is not what
// was put; w may have a part of it by then.
func (q *Queue) Get(ctx context.Context, name string, w io.Writer) error {
	if err := q.get(ctx, name, w); err != nil {
		return fmt.Errorf("fetch %s: %w", name, cause(err))
	}
	return nil
}

func (q *Queue) get(ctx context.Context, name string, w io.Writer) error {
	h, b, err := q.head(ctx, name)
	if err != nil {
		return err
	}
	sum := sha256.New()
	w = io.MultiWriter(sum, w)
	if _, err := w.Write(b); err != nil {
		return err
	}
	size := int64(len(b))
	for from := 0; from < h.Parts; from += partsAtOnce {
		parts := make([][]byte, min(partsAtOnce, h.Parts-from))
		g, ctx := errgroup.WithContext(ctx)
		for i := range parts {
			g.Go(func() error {
				m, err := q.message(ctx, partSubject+h.ID+"."+strconv.Itoa(from+i))
				if err == nil {
					parts[i] = m.Data
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		for _, b := range parts {
			if _, err := w.Write(b); err != nil {
				return err
			}
			size += int64(len(b))
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != h.SHA256 || size != h.Size {
		return fmt.Errorf("its content is not what was stored (SHA-256 %.12s, not %.12s)", got, h.SHA256)
	}
	return nil
}

// head returns the head of a file, and the content of a small one.
func (q *Queue) head(ctx context.Context, name string) (*fileHead, []byte, error) {
	m, err := q.message(ctx, fileSubject(name))
	if err != nil {
		return nil, nil, err
	}
	h := new(fileHead)
	if err := json.Unmarshal([]byte(m.Header.Get(headHeader)), h); err != nil {
		return nil, nil, fmt.Errorf("read its head: %w", err)
	}
	return h, m.Data, nil
}

// message returns the message of a subject.
func (q *Queue) message(ctx context.Context, subject string) (m *jetstream.RawStreamMsg, err error) {
	err = q.retry(ctx, func(ctx context.Context) error {
		m, err = q.files.GetLastMsgForSubject(ctx, subject)
		return err
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		err = ErrNoFile
	}
	return m, err
}

// Has reports whether there is a file called name.
func (q *Queue) Has(ctx context.Context, name string) (bool, error) {
	_, _, err := q.head(ctx, name)
	switch {
	case errors.Is(err, ErrNoFile):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for %s: %w", name, cause(err))
	}
	return true, nil
}

// Delete removes the file called name, if there is one.
func (q *Queue) Delete(ctx context.Context, name string) error {
	h, _, err := q.head(ctx, name)
	if errors.Is(err, ErrNoFile) {
		return nil
	}
	if err == nil {
		err = q.purgeFiles(ctx, fileSubject(name))
	}
	if err == nil {
		err = q.removeParts(ctx, h)
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", name, cause(err))
	}
	return nil
}

// removeParts removes the parts of a file, if it has some.
func (q *Queue) removeParts(ctx context.Context, h *fileHead) error {
	if h.ID == "" {
		return nil
	}
	return q.purgeFiles(ctx, partSubject+h.ID+".*")
}

func (q *Queue) purgeFiles(ctx context.Context, subject string) error {
	return q.retry(ctx, func(ctx context.Context) error { return q.files.Purge(ctx, jetstream.WithPurgeSubject(subject)) })
}
