package queue

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
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

// ErrNoFile is the cause of the error of a file that is not in the store.
var ErrNoFile = errors.New("there is no such file in the store")

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

// RosterName is what a roster, or a file that stands beside it, is called in the store.
func RosterName(sha256 string) string { return "rosters/" + sha256 }

// ResultName is what a file of the results of a tenant is called in the store; suffix
// is .csv, .csv.json or .csv.journal.
func ResultName(fleet, tenant, suffix string) string {
	return "results/" + fleet + "/" + tenant + suffix
}

// fileSubject returns where the head of a file is, and fileName the opposite.
func fileSubject(name string) string {
	return headSubject + base64.RawURLEncoding.EncodeToString([]byte(name))
}

func fileName(subject string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(subject, headSubject))
	return string(b), err
}

// Put stores what r has as the file called name, in place of what it was, as a whole:
// it is either the old or the new, also for who is reading it. If it returns an error it
// may have been stored all the same, if r was read to its end.
func (q *Queue) Put(ctx context.Context, name string, r io.Reader) error {
	return q.PutIf(ctx, name, r, always)
}

// PutIf is Put, unless allowed returns an error, which it then returns: the file is as it
// was. Allowed is called after what is there was read, and before it is replaced, which
// happens only if nobody has replaced it meanwhile. So who asks there for its lease
// can't replace what a later holder of the job has stored, however slow it is.
func (q *Queue) PutIf(ctx context.Context, name string, r io.Reader, allowed func() error) error {
	if err := q.put(ctx, name, r, allowed); err != nil {
		return fmt.Errorf("store %s: %w", name, cause(err))
	}
	return nil
}

// always allows a file to be replaced or removed.
func always() error { return nil }

// put stores the parts of a file, and then its head. What a put leaves that was cut
// short, and the parts of a file that it has replaced, which may be being read, are for
// the garbage collection.
func (q *Queue) put(ctx context.Context, name string, r io.Reader, allowed func() error) error {
	h := &fileHead{Name: name}
	sum := sha256.New()
	first, err := part(r, sum)
	if err != nil {
		return err
	}
	h.Size, h.data, h.ID = int64(len(first)), first, rand.Text()
	if len(first) == partSize { // there may be more
		h.data = nil
		if err := q.putParts(ctx, h, first, r, sum); err != nil {
			q.dropParts(ctx, h)
			return err
		}
	}
	h.SHA256 = hex.EncodeToString(sum.Sum(nil))
	for {
		old, err := q.head(ctx, name)
		if err != nil {
			return err
		}
		if err := allowed(); err != nil {
			q.dropParts(ctx, h)
			return err
		}
		replacement := h
		if same, err := q.isSame(ctx, old, h); err != nil {
			return err
		} else if same {
			replacement = old
		}
		ok, err := q.swapHead(ctx, old, replacement)
		if err != nil {
			return err // it may have been carried out
		}
		if ok {
			if replacement == old {
				q.dropParts(ctx, h)
			}
			return nil
		}
	}
}

// isSame reports whether a file that is there, in parts that are there, is what h is.
func (q *Queue) isSame(ctx context.Context, old, h *fileHead) (bool, error) {
	if !old.there() || old.Parts == 0 || old.SHA256 != h.SHA256 {
		return false, nil
	}
	return q.whole(ctx, old)
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
	h, err := q.head(ctx, name)
	if err != nil {
		return err
	}
	if !h.there() {
		return ErrNoFile
	}
	sum := sha256.New()
	w = io.MultiWriter(sum, w)
	if _, err := w.Write(h.data); err != nil {
		return err
	}
	size := int64(len(h.data))
	for from := 0; from < h.Parts; from += partsAtOnce {
		parts := make([][]byte, min(partsAtOnce, h.Parts-from))
		g, some := errgroup.WithContext(ctx)
		for i := range parts {
			g.Go(func() error {
				m, err := q.message(some, partSubject+h.ID+"."+strconv.Itoa(from+i))
				if err == nil {
					parts[i] = m.Data
				}
				return err
			})
		}
		if err := g.Wait(); errors.Is(err, ErrNoFile) {
			return q.whyNoPart(ctx, h)
		} else if err != nil {
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

// whyNoPart returns the error of a file of which a part is missing. It is ErrNoFile only
// if the file was deleted.
func (q *Queue) whyNoPart(ctx context.Context, h *fileHead) error {
	now, err := q.head(ctx, h.Name)
	switch {
	case err != nil:
		return err
	case !now.there():
		return ErrNoFile
	case now.ID != h.ID:
		return errors.New("it was replaced long before it was read to its end")
	}
	return errors.New("it is damaged: a part of it is missing")
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

// Has reports whether there is a file called name. If there is, it is as new from then
// on as one that was just put: it stays in the store for a day at least, whatever needs
// it, and whoever means to need it can count on it.
func (q *Queue) Has(ctx context.Context, name string) (bool, error) {
	for {
		h, err := q.head(ctx, name)
		if err == nil && !h.there() {
			return false, nil
		}
		renewed := false
		if err == nil {
			renewed, err = q.swapHead(ctx, h, h)
		}
		switch {
		case err != nil:
			return false, fmt.Errorf("look for %s: %w", name, cause(err))
		case renewed: // one that is damaged has to be put again
			whole, err := q.whole(ctx, h)
			if err != nil {
				return false, fmt.Errorf("look for %s: %w", name, cause(err))
			}
			return whole, nil
		}
	}
}

// Delete removes the file called name, if there is one.
func (q *Queue) Delete(ctx context.Context, name string) error {
	return q.DeleteIf(ctx, name, always)
}

// DeleteIf is Delete, unless allowed returns an error: see PutIf.
func (q *Queue) DeleteIf(ctx context.Context, name string, allowed func() error) error {
	for {
		h, err := q.head(ctx, name)
		if err == nil && h.seq == 0 {
			return nil
		}
		if err == nil {
			err = allowed()
		}
		gone := false
		if err == nil {
			gone, err = q.deleteHead(ctx, h)
		}
		switch {
		case err != nil:
			return fmt.Errorf("remove %s: %w", name, cause(err))
		case gone:
			return nil
		}
	}
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
