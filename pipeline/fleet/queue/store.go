package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"rollcall/pipeline/lock"
	"rollcall/tenant/disk"
)

// format is the version of the store: it changes when a rollcall of before could not
// work on it.
const format = 1

// formatKey is what a stream says its format by.
const formatKey = "rollcall-format"

const (
	journalStream  = "LOG"
	journalSubject = "fleet.log." // ID.TENANT
	filesStream    = "FILES"
	filesSubject   = "fleet.files." // see files.go
	maxFileMessage = 1 << 20
)

// A storeFile says what a directory is the store of.
type storeFile struct {
	Format int `json:"format"`
	Node   int `json:"node,omitempty"` // of a cluster
}

// claim takes the directory of a store for this process, and marks it if it is new.
func claim(ctx context.Context, dir string, node int) (*lock.Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make it: %w", disk.Cause(err))
	}
	if err := checkFileSystem(dir, fileSystem); err != nil {
		return nil, err
	}
	held, err := lock.File{Path: filepath.Join(dir, "lock"), What: "it"}.Acquire(ctx, "fleet", 0)
	if err != nil {
		return nil, err
	}
	err = mark(dir, node)
	if err == nil {
		err = checkRoom(dir)
	}
	if err != nil {
		held.Release()
		return nil, err
	}
	return held, nil
}

// leastRoom is what a server wants to have on its disk when it starts.
const leastRoom = 64 << 10

// checkRoom returns an error if the disk of a directory is full: an engine that can't
// write is not to be let at what another has left there.
func checkRoom(dir string) error {
	name := filepath.Join(dir, "room")
	if err := disk.WriteFile(name, 0o600, func(w io.Writer) error { _, err := io.CopyN(w, rand.Reader, leastRoom); return err }); err != nil {
		return err
	}
	return disk.Remove(name)
}

// checkFileSystem returns an error if the file system of a directory is one on which what
// was synced may be gone, or a lock be held twice.
func checkFileSystem(dir string, kind func(dir string) (string, error)) error {
	switch k, err := kind(dir); {
	case err != nil:
		return fmt.Errorf("find out its file system: %w", disk.Cause(err))
	case k != "":
		return fmt.Errorf("it is on %s, which does not keep what a store needs kept: want a local disk", k)
	}
	return nil
}

// mark checks the mark of a store, or makes it.
func mark(dir string, node int) error {
	name := filepath.Join(dir, "store.json")
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, "jetstream")); err == nil {
			return errors.New("it is of an earlier version of rollcall")
		}
		b, err := json.Marshal(storeFile{format, node})
		if err != nil {
			return err
		}
		return disk.WriteFile(name, 0o600, func(w io.Writer) error { _, err := w.Write(append(b, '\n')); return err })
	}
	var s storeFile
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	switch {
	case err != nil:
		return fmt.Errorf("read store.json: %w", disk.Cause(err))
	case s.Format != format:
		return fmt.Errorf("it is of version %d; this rollcall knows version %d", s.Format, format)
	case s.Node != node:
		return fmt.Errorf("it is of %s, not of %s", nodeName(s.Node), nodeName(node))
	}
	return nil
}

// nodeName returns what a node is called.
func nodeName(node int) string {
	if node == 0 {
		return "a single node"
	}
	return "node " + strconv.Itoa(node)
}

// errNotMade is the cause of the error of a store that its server has not made yet.
var errNotMade = errors.New("the server is not ready")

// streams returns what the store consists of. Whatever is read is read from the node
// that decides: no reader sees less than it has written.
func streams(replicas int) []jetstream.StreamConfig {
	mark := map[string]string{formatKey: strconv.Itoa(format)}
	all := []jetstream.StreamConfig{
		{Name: journalStream, Subjects: []string{journalSubject + "*.*"}, Metadata: mark, Replicas: replicas},
		{Name: filesStream, Subjects: []string{filesSubject + ">"}, Metadata: mark, Replicas: replicas, MaxMsgsPerSubject: 1, MaxMsgSize: maxFileMessage},
	}
	for _, bucket := range []string{"jobs", "fleets", "outcomes", "schedules"} {
		all = append(all, jetstream.StreamConfig{
			Name: "KV_" + bucket, Subjects: []string{"$KV." + bucket + ".>"}, Metadata: mark, Replicas: replicas,
			MaxMsgsPerSubject: 1, AllowRollup: true, DenyDelete: true, Discard: jetstream.DiscardNew,
		})
	}
	return all
}

// askTimeout is how long the answer to a question about the store is waited for.
// Nodes that have not found each other give none.
const askTimeout = 2 * time.Second

// makeStore makes what the store lacks.
func makeStore(ctx context.Context, js jetstream.JetStream, replicas int) error {
	for _, c := range streams(replicas) {
		ask, cancel := context.WithTimeout(ctx, askTimeout)
		_, err := js.Stream(ask, c.Name)
		cancel()
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			_, err = js.CreateOrUpdateStream(ctx, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// open opens the store of the server.
func (q *Queue) open(ctx context.Context) (err error) {
	if q.journals, err = q.js.Stream(ctx, journalStream); err == nil {
		if v := q.journals.CachedInfo().Config.Metadata[formatKey]; v != strconv.Itoa(format) {
			return fmt.Errorf("its store is of version %s; this rollcall knows version %d", v, format)
		}
		q.files, err = q.js.Stream(ctx, filesStream)
	}
	for bucket, kv := range map[string]*jetstream.KeyValue{"jobs": &q.jobs, "fleets": &q.fleets, "outcomes": &q.outcomes, "schedules": &q.schedules} {
		if err == nil {
			*kv, err = q.js.KeyValue(ctx, bucket)
		}
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound) {
		return errNotMade
	}
	return err
}
