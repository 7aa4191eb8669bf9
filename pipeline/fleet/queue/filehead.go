package queue

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A file is a message with its head: fleet.files.head.NAME, the name in base64. The
// content of a small one stands there, too, so that a thousand rosters cost a thousand
// writes of the disk; that of others is in fleet.files.part.ID.N, which are there before
// the head is. A head changes by compare and set; before it goes it says that it does.
const (
	headSubject = filesSubject + "head."
	partSubject = filesSubject + "part."
	headHeader  = "Rollcall-File"
	partSize    = 256 << 10
	partsAtOnce = 4
)

// A fileHead says what a file is.
type fileHead struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	ID     string `json:"id,omitempty"` // of its parts
	Parts  int    `json:"parts,omitempty"`
	Gone   bool   `json:"gone,omitempty"` // it is being deleted

	seq   uint64 // of its message; 0 if there is none
	since time.Time
	data  []byte
}

// fileSubject returns where the head of a file is, and fileName the opposite.
func fileSubject(name string) string {
	return headSubject + base64.RawURLEncoding.EncodeToString([]byte(name))
}

func fileName(subject string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(subject, headSubject))
	return string(b), err
}

// head returns the head of a file, which may be that of no file.
func (q *Queue) head(ctx context.Context, name string) (*fileHead, error) {
	m, err := q.message(ctx, fileSubject(name))
	if errors.Is(err, ErrNoFile) {
		return &fileHead{Name: name}, nil
	}
	if err != nil {
		return nil, err
	}
	h := new(fileHead)
	if err := json.Unmarshal([]byte(m.Header.Get(headHeader)), h); err != nil {
		return nil, fmt.Errorf("read its head: %w", err)
	}
	h.seq, h.since, h.data = m.Sequence, m.Time, m.Data
	return h, nil
}

// there reports whether h is the head of a file.
func (h *fileHead) there() bool { return h.seq != 0 && !h.Gone }

// swapHead puts the head h in place of old, and reports whether that was still there.
func (q *Queue) swapHead(ctx context.Context, old, h *fileHead) (ok bool, err error) {
	b, err := json.Marshal(h)
	if err != nil {
		return false, err
	}
	m := nats.NewMsg(fileSubject(h.Name))
	m.Header.Set(headHeader, string(b))
	m.Data = h.data
	err = q.retry(ctx, func(ctx context.Context) error {
		ack, err := q.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(old.seq))
		if !wrongSequence(err) {
			if ok = err == nil; ok {
				h.seq = ack.Sequence
			}
			return err
		}
		now, err := q.head(ctx, h.Name) // it may be this one, of an attempt before
		if err == nil && now.seq != old.seq && now.ID == h.ID && now.Gone == h.Gone {
			h.seq, ok = now.seq, true
		}
		return err
	})
	return ok, err
}

// deleteHead removes the file whose head is h, and reports whether h was still there.
func (q *Queue) deleteHead(ctx context.Context, h *fileHead) (ok bool, err error) {
	gone := &fileHead{Name: h.Name, ID: h.ID, Parts: h.Parts, Gone: true}
	if ok, err = q.swapHead(ctx, h, gone); !ok || err != nil {
		return ok, err
	}
	if err := q.removeParts(ctx, gone); err != nil {
		return true, err
	}
	// What was put meanwhile stays.
	return true, q.purgeFiles(ctx, jetstream.WithPurgeSubject(fileSubject(h.Name)), jetstream.WithPurgeSequence(gone.seq+1))
}
