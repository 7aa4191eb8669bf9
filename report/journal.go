package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rollcall/pipeline"
)

// A Manifest says what a results file is made of. A run that goes on with the
// file must be of the same.
type Manifest struct {
	Run    string `json:"run"` // apply, audit or undo
	Tenant string `json:"tenant"`
	Noun   string `json:"noun"`
	Change string `json:"change"`
	Rows   int    `json:"rows"` // of the roster
	Excel  bool   `json:"excel"`
}

// differ returns an error that names the first thing in which m, of a run that
// is to go on, is not what was is.
func (m Manifest) differ(was Manifest) error {
	layout := map[bool]string{true: "with --excel", false: "without --excel"}
	for _, f := range []struct{ what, was, now string }{
		{"kind of run", was.Run, m.Run},
		{"tenant", was.Tenant, m.Tenant},
		{"setting", was.Noun, m.Noun},
		{"change", was.Change, m.Change},
		{"roster", Plural(was.Rows, "row"), Plural(m.Rows, "row")},
		{"layout", layout[was.Excel], layout[m.Excel]},
	} {
		if f.was != f.now {
			return fmt.Errorf("made with another %s: it was %s, and now is %s", f.what, f.was, f.now)
		}
	}
	return nil
}

// A journal is the small file beside a results file that has what that one
// can't say until the run is complete: what it is made of, and of rows in hand
// the values before, and the results of those done while an earlier one is not.
// It is a JSON object a line.
//
// It is safe for use by several goroutines at once.
type journal struct {
	name     string
	manifest Manifest

	mu      sync.Mutex
	settled sync.Cond     // syncing has become false
	f       *os.File      // the file
	size    int           // of the file
	entries map[int]entry // what the file has of rows, by line
	buf     []byte        // what the file has not got yet
	put     int           // entries put so far
	synced  int           // those of them that are on the disk
	syncing bool          // somebody is bringing buf to the disk
	err     error         // why no more can be put
}

// An entry is what a journal has of a row.
type entry struct {
	Line     int              `json:"line"`
	Before   []string         `json:"before,omitempty"` // by property, read ahead of a set that may have been sent
	Done     bool             `json:"done,omitempty"`   // what follows is the row's result
	Status   string           `json:"status,omitempty"`
	Values   []pipeline.Value `json:"values,omitempty"`
	Attempts int              `json:"attempts,omitempty"`
	Note     string           `json:"note,omitempty"`
	Err      string           `json:"error,omitempty"`
	Finished time.Time        `json:"finished,omitzero"`
}

// maxJournal is the size beyond which a journal is rid of what is recorded.
const maxJournal = 1 << 20

// journalName returns the name of the journal of the results file called name.
func journalName(name string) string { return name + ".journal" }

// createJournal makes the journal of the results file called name. It replaces
// one that is there.
func createJournal(name string, m Manifest) (*journal, error) {
	j := newJournal(name, m)
	return j, j.rewrite()
}

func newJournal(name string, m Manifest) *journal {
	j := &journal{name: journalName(name), manifest: m, entries: make(map[int]entry)}
	j.settled.L = &j.mu
	return j
}

// openJournal reads the journal of the results file called name. A torn last
// line is dropped. Whatever else can't be read is an error.
func openJournal(name string) (*journal, error) {
	j := newJournal(name, Manifest{})
	b, err := os.ReadFile(j.name)
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(b, []byte("\n"))
	if last := len(lines) - 1; len(lines[last]) == 0 {
		lines = lines[:last]
	}
	for i, line := range lines {
		var e entry
		if i == 0 {
			err = json.Unmarshal(line, &j.manifest)
		} else if err = json.Unmarshal(line, &e); err == nil {
			j.entries[e.Line] = e.over(j.entries[e.Line])
		}
		if err != nil && i > 0 && i == len(lines)-1 {
			break // torn
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: line %d: %w", j.name, i+1, err)
		}
	}
	return j, nil
}

// over returns e, with the value before that an earlier entry has.
func (e entry) over(earlier entry) entry {
	if e.Before == nil {
		e.Before = earlier.Before
	}
	return e
}

// before puts the values before of a row, and returns when they are on the disk.
func (j *journal) before(r *pipeline.Result) error {
	e := entry{Line: r.Row.Line}
	for _, v := range r.Values {
		e.Before = append(e.Before, v.Before)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.add(e)
	return j.sync(j.put)
}

// done puts the result of a row. It is in the file after the next flush.
func (j *journal) done(r *pipeline.Result) {
	e := entry{Line: r.Row.Line, Done: true, Status: r.Status.String(), Values: r.Values,
		Attempts: r.Attempts, Note: r.Note, Finished: r.Finished}
	if r.Err != nil {
		e.Err = r.Err.Error()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.add(e)
}

func (j *journal) add(e entry) {
	line, err := json.Marshal(e)
	if err != nil {
		j.err = err
		return
	}
	j.entries[e.Line] = e.over(j.entries[e.Line])
	j.buf = append(append(j.buf, line...), '\n')
	j.put++
}

// flush writes what was put to the file.
func (j *journal) flush() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.syncing {
		j.settled.Wait()
	}
	return j.write()
}

func (j *journal) write() error {
	if j.err == nil && len(j.buf) > 0 {
		var n int
		n, j.err = j.f.Write(j.buf)
		j.size += n
		j.buf = j.buf[:0]
	}
	return j.err
}

// syncAll returns when all entries are on the disk.
func (j *journal) syncAll() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.sync(j.put)
}

// sync returns when the first n entries are on the disk. Whoever comes first
// brings those of the others too, who wait.
func (j *journal) sync(n int) error {
	for j.err == nil && j.synced < n {
		if j.syncing {
			j.settled.Wait()
			continue
		}
		if j.write() != nil {
			break
		}
		j.syncing = true
		upTo, f := j.put, j.f
		j.mu.Unlock()
		err := f.Sync()
		j.mu.Lock()
		j.syncing = false
		if err != nil {
			j.err = err
		} else {
			j.synced = upTo
		}
		j.settled.Broadcast()
	}
	return j.err
}

// forget drops what the journal has of rows that are recorded, on the disk.
func (j *journal) forget(lines []int) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range lines {
		delete(j.entries, line)
	}
	if j.size < maxJournal || j.err != nil {
		return j.err
	}
	for j.syncing {
		j.settled.Wait()
	}
	j.err = j.rewrite()
	return j.err
}

// rewrite puts a file in the place of the journal's that has only what is still
// of use. Whenever that is cut short, one or the other is there as a whole.
func (j *journal) rewrite() error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	if err := enc.Encode(j.manifest); err != nil {
		return err
	}
	for _, e := range j.entries {
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(j.name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if err == nil && j.f != nil {
		err = j.f.Close() // which Windows wants, ahead of the rename
	}
	if err == nil {
		err = os.Rename(f.Name(), j.name)
	}
	if err == nil {
		err = syncDir(filepath.Dir(j.name))
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return err
	}
	j.f, j.size, j.buf, j.synced = f, b.Len(), j.buf[:0], j.put
	return nil
}

// earlier returns what the journal has of rows, by line.
func (j *journal) earlier() map[int]pipeline.Earlier {
	earlier := make(map[int]pipeline.Earlier)
	for line, e := range j.entries {
		known := pipeline.Earlier{Before: e.Before}
		if status, err := pipeline.ParseStatus(e.Status); e.Done && err == nil {
			known.Result = &pipeline.Result{Status: status, Values: e.Values, Attempts: e.Attempts, Note: e.Note, Finished: e.Finished}
			if e.Err != "" {
				known.Result.Err = errors.New(e.Err)
			}
		}
		earlier[line] = known
	}
	return earlier
}

// close closes the journal, and removes it if the run is complete.
func (j *journal) close(complete bool) error {
	err := j.flush()
	if j.f != nil {
		if cerr := j.f.Close(); err == nil {
			err = cerr
		}
	}
	if complete && err == nil {
		err = os.Remove(j.name)
	}
	return err
}
