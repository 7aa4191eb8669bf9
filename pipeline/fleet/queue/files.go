package queue

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"golang.org/x/sync/errgroup"
)

// ErrNoFile is the cause of the error of a file that is not in the store.
var ErrNoFile = errors.New("there is no such file in the store")

// RosterName is what a roster, or a file that stands beside it, is called in the store.
func RosterName(sha256 string) string { return "rosters/" + sha256 }

// ResultName is what a file of the results of a tenant is called in the store; suffix
// is .csv, .csv.json or .csv.journal.
func ResultName(fleet, tenant, suffix string) string {
	return "results/" + fleet + "/" + tenant + suffix
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
