package results

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"rollcall/pipeline"
	"rollcall/tenant/disk"
)

// A journal is the file beside a results file that has what that one can't say
// until the run is complete: what it is made of, of rows in progress the values
// before, and the results of those done while an earlier one is not. Each of its
// lines has a checksum (see [readJournal]), and names the user and the values
// wanted, so that nothing of one user is ever taken for another's.
//
// It is safe for use by several goroutines at once.
type journal struct {
	name     string
	manifest Manifest

	mu      sync.Mutex
	settled sync.Cond     // syncing has become false
	f       *os.File      // the file
	size    int64         // how much of it is written
	room    int64         // its size: what is behind size is zeros
	entries map[int]entry // what the file has of rows, by line
	mark    *mark         // what the file has last of the results
	buf     []byte        // what the file has not got yet
	put     int           // entries put so far
	synced  int           // those of them that are on the disk
	syncing bool          // somebody is bringing buf to the disk
	err     error         // why no more can be put
}

// A mark says what of the results file was on the disk when it was made. A file
// that does not begin so is not what the run left.
type mark struct {
	Records int    `json:"records"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"`
}

// A journal is given room ahead of being written to, so that one that was cut is
// known by its size, and is made anew, without what is of no use, when that is
// full.
const journalRoom = 1 << 20

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

func newJournal(name string, m Manifest) *journal {
	j := &journal{name: journalName(name), manifest: m, entries: make(map[int]entry)}
	j.settled.L = &j.mu
	return j
}

// before puts the values before of a row, and returns when they are on the disk.
func (j *journal) before(r *pipeline.Result) error {
	e := newEntry(r)
	for _, v := range r.Values {
		e.Before = append(e.Before, v.Before)
	}
	for _, v := range r.Moved {
		e.MovedBefore = append(e.MovedBefore, v.Before)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.add(e)
	return j.sync(j.put)
}

// done puts the result of a row. It is in the file after the next flush.
func (j *journal) done(r *pipeline.Result) {
	e := newEntry(r)
	e.Done, e.Status, e.Values, e.Moved, e.Attempts, e.Note, e.Finished = true, r.Status.String(), r.Values, r.Moved, r.Attempts, r.Note, r.Finished
	if r.Err != nil {
		e.Err = r.Err.Error()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.add(e)
}

func (j *journal) add(e entry) {
	j.entries[e.Line] = e.over(j.entries[e.Line])
	j.append(e)
}

func (j *journal) append(v any) {
	line, err := journalLine(j.manifest.ID, v)
	if err != nil {
		j.err = err
		return
	}
	j.buf = append(j.buf, line...)
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

// write writes what was put. Nobody may be syncing.
func (j *journal) write() error {
	if j.err != nil || len(j.buf) == 0 {
		return j.err
	}
	if j.size+int64(len(j.buf)) > j.room-roomLine {
		if err := j.rewrite(); err == nil || j.f == nil {
			j.err = err
			return err
		}
		// Somebody has it open. It goes on as it is.
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

// sync returns when the first n entries are on the disk. Whoever comes first
// brings those of the others too, who wait.
func (j *journal) sync(n int) error {
	for j.err == nil && j.synced < n {
		if j.syncing {
			j.settled.Wait()
			continue
		}
		if j.write() != nil || j.synced >= n {
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

// forget drops what the journal has of rows that are recorded, on the disk, as m
// says. They go from the file when it is made anew.
func (j *journal) forget(lines []int, m mark) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range lines {
		delete(j.entries, line)
	}
	if j.mark == nil || *j.mark != m {
		j.mark = &m
		j.append(m)
	}
	return j.sync(j.put)
}

// rewrite puts a file in the place of the journal's that has only what is still
// of use. Whenever that is cut short, one or the other is there as a whole. After
// an error the journal's is as it was, unless f is nil. Nobody may be syncing.
func (j *journal) rewrite() error {
	var b bytes.Buffer
	put := func(v any) error {
		line, err := journalLine(j.manifest.ID, v)
		b.Write(line)
		return err
	}

	for _, e := range j.entries {
		if err := put(e); err != nil {
			return err
		}
	}
	if j.mark != nil {
		if err := put(j.mark); err != nil {
			return err
		}
	}
	head := journalHead{Version: journalVersion, Manifest: j.manifest, Room: max(journalRoom, 2*int64(b.Len())+journalRoom/2)}
	line, err := journalLine("", head)
	if err != nil {
		return err
	}
	f, err := createBeside(j.name + ".new")
	if err != nil {
		return err
	}
	size := int64(len(line) + b.Len())
	if err = f.Truncate(head.Room); err == nil {
		_, err = f.WriteAt(append(line, b.Bytes()...), 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = j.replaceBy(f.Name())
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	j.size, j.room, j.buf, j.synced = size, head.Room, j.buf[:0], j.put
	return nil
}

// replaceBy puts the file called name in the place of the journal's. After an
// error that is as it was, unless f is nil.
func (j *journal) replaceBy(name string) error {
	began := j.f != nil
	if began {
		j.f.Close() // Windows renames no open file
		j.f = nil
	}
	err := disk.Rename(name, j.name)
	renamed := err == nil
	if renamed {
		err = disk.SyncDir(filepath.Dir(j.name))
	} else {
		err = fmt.Errorf("replace %s: %w", j.name, disk.Cause(err))
	}
	if err == nil || began && !renamed {
		f, oerr := disk.OpenFile(j.name, os.O_RDWR, 0)
		if oerr != nil {
			return oerr
		}
		j.f = f
	}
	return err
}

// A moreRoom is a line that says what the size of the file has become.
type moreRoom struct {
	Room int64 `json:"room"`
}

// roomLine is what such a line takes, for which there always is room: so no file
// that was cut lacks the line alone.
const roomLine = 64

// extend gives the file more room, as it is. Killed in between, the journal is
// longer than it has to be, which is no damage.
func (j *journal) extend() error {
	more := moreRoom{j.room + journalRoom + 2*int64(len(j.buf))}
	line, err := journalLine(j.manifest.ID, more)
	if err != nil {
		return err
	}
	if err := j.f.Truncate(more.Room); err != nil {
		return err
	}
	if _, err := j.f.WriteAt(line, j.size); err != nil {
		return err
	}
	j.size += int64(len(line))
	j.room = more.Room
	return nil
}

// earlier returns what the journal has of rows, by line.
func (j *journal) earlier() map[int]pipeline.Earlier {
	earlier := make(map[int]pipeline.Earlier)
	for line, e := range j.entries {
		earlier[line] = pipeline.Earlier{UPN: e.UPN, Wanted: e.Wanted, Before: e.Before, Moved: e.MovedBefore, Result: e.result()}
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
