package results

import (
	"errors"
	"maps"
	"os"
	"strings"
	"sync"

	"rollcall/pipeline"
)

// A journal is the file beside a results file that has, until the run is complete, what
// the results file can't have: its manifest, the values before of rows in progress, and
// the results of rows that are done out of order. Each line has a checksum (see
// [readJournal]). Each entry has the user and the wanted values, so that it is never used
// for another user.
//
// It is safe for use by several goroutines at once.
type journal struct {
	name     string
	manifest Manifest

	mu        sync.Mutex
	syncEnded sync.Cond     // syncing has become false
	f         *os.File      // the file
	size      int64         // how many bytes of it are written
	room      int64         // its size; the bytes after size are zeros
	entries   map[int]entry // the entries of rows that are not recorded, by line
	mark      *syncMark     // the last mark
	buf       []byte        // lines that are not in the file yet
	added     int           // lines added so far
	synced    int           // how many of them are on the disk
	syncing   bool          // a goroutine is bringing buf to the disk
	err       error         // why no more can be added
}

// A syncMark says how much of the results file was on the disk when the mark was made. A
// file that does not begin with these bytes was changed since.
type syncMark struct {
	Records int    `json:"records"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"`
}

// journalName returns the name of the journal of the results file called name.
func journalName(name string) string { return name + ".journal" }

// OfJournal returns the name of the results file that a journal called name is of,
// and whether it is called like one.
func OfJournal(name string) (file string, ok bool) {
	file = strings.TrimSuffix(name, journalName(""))
	return file, file != "" && file != name
}

// Beside returns the names of what may stand beside a results file.
func Beside(name string) []string { return []string{journalName(name), SummaryName(name)} }

// IsFree reports whether there is no results file called name, and nothing that would
// stand beside it.
func IsFree(name string) bool {
	for _, file := range append(Beside(name), name) {
		if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
			return false
		}
	}
	return true
}

func newJournal(name string, m Manifest) *journal {
	j := &journal{name: journalName(name), manifest: m, entries: make(map[int]entry)}
	j.syncEnded.L = &j.mu
	return j
}

// before adds the values before of a row, and returns when they are on the disk.
func (j *journal) before(r *pipeline.Result) error {
	e := beforeEntry(r)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.add(e)
	return j.sync(j.added)
}

// done adds the result of a row. It is in the file after the next flush.
func (j *journal) done(r *pipeline.Result) {
	e := doneEntry(r)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.add(e)
}

func (j *journal) add(e entry) {
	j.entries[e.Line] = e.withBefore(j.entries[e.Line])
	j.append(e)
}

func (j *journal) append(v any) {
	line, err := journalLine(j.manifest.ID, v)
	if err != nil {
		j.err = err
		return
	}
	j.buf = append(j.buf, line...)
	j.added++
}

// flush writes the added lines to the file.
func (j *journal) flush() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.syncing {
		j.syncEnded.Wait()
	}
	return j.write()
}

// write writes the added lines to the file. No goroutine may be syncing.
func (j *journal) write() error {
	if j.err == nil && j.f != nil {
		j.err = j.restore()
	}
	if j.err != nil || len(j.buf) == 0 {
		return j.err
	}
	if j.size+int64(len(j.buf)) > j.room-roomLine {
		if err := j.rewrite(); err == nil || j.f == nil {
			j.err = err
			return err
		}
		// Another program has the file open, so it can't be replaced: it grows.
		if j.err = j.extend(); j.err != nil {
			return j.err
		}
	}
	var n int
	n, j.err = j.f.WriteAt(j.buf, j.size)
	j.size += int64(n)
	j.buf = j.buf[:0]
	return j.err
}

// sync returns when the first n lines are on the disk. The first caller brings the lines
// of all callers to the disk, and the others wait.
func (j *journal) sync(n int) error {
	for j.err == nil && j.synced < n {
		if j.syncing {
			j.syncEnded.Wait()
			continue
		}
		if j.write() != nil || j.synced >= n {
			break
		}
		j.syncing = true
		upTo, f := j.added, j.f
		j.mu.Unlock()
		err := f.Sync()
		j.mu.Lock()
		j.syncing = false
		if err != nil {
			j.err = err
		} else {
			j.synced = upTo
		}
		j.syncEnded.Broadcast()
	}
	return j.err
}

// dropRecorded drops the entries of rows whose records are on the disk, as the mark m says:
// those up to a line. They are removed from the file when it is written anew.
func (j *journal) dropRecorded(line int, m syncMark) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	maps.DeleteFunc(j.entries, func(l int, _ entry) bool { return l <= line })
	if j.mark == nil || *j.mark != m {
		j.mark = &m
		j.append(m)
	}
	return j.sync(j.added)
}

// earlier returns the entries, by line, for [pipeline.Run.Earlier].
func (j *journal) earlier() map[int]pipeline.Earlier {
	earlier := make(map[int]pipeline.Earlier)
	for line, e := range j.entries {
		earlier[line] = pipeline.Earlier{UPN: e.UPN, Wanted: e.Wanted, Before: e.Before, Moved: e.MovedBefore, Result: e.result(), Accepted: e.Accepted}
	}
	return earlier
}

// close closes the journal.
func (j *journal) close() error {
	err := j.flush()
	if j.f != nil {
		if cerr := j.f.Close(); err == nil {
			err = cerr
		}
	}
	return err
}
