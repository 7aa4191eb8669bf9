package queue

import (
	"bytes"
	"context"
	"errors"
	"hash"
	"io"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

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

// whole reports whether all parts of a file are there.
func (q *Queue) whole(ctx context.Context, h *fileHead) (bool, error) {
	if h.Parts == 0 {
		return true, nil
	}
	parts, err := q.subjects(ctx, filesStream, partSubject+h.ID+".*")
	return len(parts) == h.Parts, err
}

// dropParts removes the parts of a file that has no head, also when ctx is over. If it
// can't, the garbage collection does.
func (q *Queue) dropParts(ctx context.Context, h *fileHead) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryTimeout)
	defer cancel()
	if err := q.removeParts(ctx, h); err != nil {
		q.log.Debug("remove what is left of a file", zap.String("file", h.Name), zap.Error(cause(err)))
	}
}

// message returns the message of a subject, or ErrNoFile.
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

// removeParts removes the parts of a file, if it has some.
func (q *Queue) removeParts(ctx context.Context, h *fileHead) error {
	if h.Parts == 0 {
		return nil
	}
	return q.purgeFiles(ctx, jetstream.WithPurgeSubject(partSubject+h.ID+".*"))
}

func (q *Queue) purgeFiles(ctx context.Context, what ...jetstream.StreamPurgeOpt) error {
	return q.retry(ctx, func(ctx context.Context) error { return q.files.Purge(ctx, what...) })
}
