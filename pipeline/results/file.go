package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"rollcall/pipeline"
	"rollcall/tenant/disk"
)

// syncEvery is how much of the latest work a power cut can lose.
const syncEvery = time.Second

// A File is a results CSV in a file. Until the run is complete there is a journal beside
// it, NAME.journal, with which a later run can go on.
//
// [Create] and [Resume] only check and change nothing; [File.Begin] writes the first
// bytes of the file and the journal. Records that are flushed survive the end of the
// process. Records older than a second also survive a power cut, unless the disk loses
// them. Values before survive it as soon as [File.Before] has returned.
type File struct {
	*Writer
	name     string
	manifest Manifest
	file     *outputFile
	resumed  *journal   // the journal that the run resumes, or nil
	log      *logWriter // or nil

	journal  atomic.Pointer[journal] // nil before Begin, and if the file is a device
	records  int                     // records in the file, once it is flushed
	line     int                     // of the last recorded row
	unsynced bool
	synced   time.Time
}

// Create makes the results file called name. A file that is there already and not empty
// is an error, and so is the journal of an unfinished run, unless overwrite is set. It is
// also an error if there is no room for a journal.
func Create(name string, overwrite bool, f Format, m Manifest) (*File, error) {
	if !overwrite {
		if err := checkJournalAlone(name); err != nil {
			return nil, err
		}
	}
	file, err := createOutput(name, overwrite)
	if err != nil {
		return nil, err
	}
	r := &File{name: name, manifest: m.newID(""), file: file}
	r.Writer = NewWriter(file, f)
	if !file.device {
		if err = tryRoom(journalName(name) + ".new"); err == nil {
			err = checkSummary(name)
		}
		if err == nil {
			_, err = regular(journalName(name), "journal")
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("create %s: %w", name, disk.Cause(err))
	}
	return r, nil
}

// ErrJournal is the error of Create for a file that is missing or empty and has a journal.
var ErrJournal = errors.New("there is the journal of an unfinished run, with results and values before that are nowhere else")

// checkJournalAlone returns ErrJournal if the results file called name is missing or empty
// but has a journal, and another error if what is in the journal's place is no file.
func checkJournalAlone(name string) error {
	if info, err := os.Stat(name); err == nil && (!info.Mode().IsRegular() || info.Size() > 0) {
		return nil // createOutput reports it
	}
	info, err := regular(journalName(name), "journal")
	if info != nil {
		err = fmt.Errorf("%s: %w", journalName(name), ErrJournal)
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	return nil
}

// tryRoom returns an error if there is no room: it writes a file, of the size of a journal,
// and removes it again.
func tryRoom(name string) error {
	f, err := createBeside(name)
	if err != nil {
		return err
	}
	defer disk.Remove(name)
	if err = f.Truncate(journalRoom); err == nil {
		_, err = f.Write(make([]byte, bufferSize))
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// Manifest returns the manifest of the file.
func (r *File) Manifest() Manifest { return r.manifest }

// Device reports whether the file is a pipe or a device, which has no journal and
// can't be read back.
func (r *File) Device() bool { return r.file.device }

// Begin writes the file and the journal to the disk: the file with its header or, when
// resumed, with the whole records that it has. Call it before the first call to the
// tenant. From then on the file has no record of another run, and the journal has what
// the run did. A log gets the manifest before all that.
//
// The file is written first, so that a journal is never beside records of another run.
func (r *File) Begin() error {
	if r.log != nil {
		if err := r.log.begin(r.manifest); err != nil {
			return err
		}
	}
	if err := r.begin(); err != nil {
		return fmt.Errorf("create %s: %w", r.name, disk.Cause(err))
	}
	return nil
}

func (r *File) begin() error {
	if !r.file.device && r.resumed == nil {
		for _, name := range []string{journalName(r.name), SummaryName(r.name)} {
			if err := disk.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	// What a resumed file keeps is on the disk already. Its journal says so before the
	// file is cut: if the journal can't be written, the files are still as they were.
	kept := r.resumed != nil && r.file.size > 0
	if kept {
		if err := r.file.isThere(); err != nil {
			return err
		}
		if err := r.beginJournal(r.resumed); err != nil {
			return err
		}
	}
	if err := r.file.Begin(); err != nil {
		return err
	}
	if r.file.size == 0 {
		if err := r.Writer.Header(); err != nil {
			return err
		}
	}
	if r.file.device {
		return nil
	}
	if err := r.file.Sync(); err != nil {
		return err
	}
	if err := disk.SyncDir(filepath.Dir(r.name)); err != nil {
		return err
	}
	if !kept {
		j := r.resumed
		if j == nil {
			j = newJournal(r.name, r.manifest)
		}
		if err := r.beginJournal(j); err != nil {
			return err
		}
	}
	r.synced = time.Now()
	return nil
}

// beginJournal writes the journal of this execution.
func (r *File) beginJournal(j *journal) error {
	j.manifest, j.mark = r.manifest, r.mark()
	if err := j.rewrite(); err != nil {
		return err
	}
	r.journal.Store(j)
	return nil
}

// mark returns the mark for what is on the disk after a sync.
func (r *File) mark() *syncMark {
	return &syncMark{Records: r.records, Bytes: r.file.size, SHA256: r.file.SHA256()}
}

// Before writes the values before of a row to the journal and to the log, and returns when
// a power cut can't lose them, nor the loss of this machine. It may be called from several
// goroutines at once.
func (r *File) Before(res *pipeline.Result) error {
	j := r.journal.Load()
	if j == nil {
		return nil
	}
	if r.log == nil {
		return j.before(res)
	}
	n := r.log.add(beforeEntry(res))
	logged := make(chan error, 1)
	go func() { logged <- r.log.Commit(n) }()
	err := j.before(res)
	if lerr := <-logged; err == nil {
		err = lerr
	}
	return err
}

// Done writes the result of a row that can't be recorded yet to the journal.
func (r *File) Done(res *pipeline.Result) error {
	if j := r.journal.Load(); j != nil {
		j.done(res)
		r.unsynced = true
	}
	return nil
}

// Record adds the record of one row. Rows are recorded in the roster's order.
func (r *File) Record(res *pipeline.Result) error {
	r.line = res.Row.Line
	r.records++
	r.unsynced = true
	return r.Writer.Record(res)
}

// Flush writes what is buffered and, once a second, brings it to the disk.
func (r *File) Flush() error {
	err := r.Writer.Flush()
	if j := r.journal.Load(); err == nil && j != nil {
		err = j.flush()
	}
	if err == nil && r.unsynced && time.Since(r.synced) >= syncEvery {
		err = r.sync()
	}
	return err
}

func (r *File) sync() error {
	lerr := r.log.flush() // even if the disk is full
	if err := r.syncDisk(); err != nil {
		return err
	}
	return lerr
}

func (r *File) syncDisk() error {
	if err := r.file.Sync(); err != nil {
		return err
	}
	if j := r.journal.Load(); j != nil {
		if err := j.dropRecorded(r.line, *r.mark()); err != nil {
			return err
		}
	}
	r.unsynced, r.synced = false, time.Now()
	return nil
}

// Sync brings all records to the disk. Call it at the end of a run, before reporting what
// is in the file. The error may be [ErrLost].
func (r *File) Sync() error {
	if err := r.Writer.Flush(); err != nil {
		r.log.flush()
		return err
	}
	return r.sync()
}

// Close brings the file to the disk, and closes it and the journal. The journal is not
// removed.
func (r *File) Close() error {
	err := r.Writer.Flush()
	j := r.journal.Load()
	if err == nil && j != nil && r.unsynced {
		err = r.sync()
	}
	if cerr := r.file.Close(); err == nil {
		err = cerr
	}
	if j != nil {
		if jerr := j.close(); err == nil {
			err = jerr
		}
	}
	return err
}

// Abort ends a Write to a pipe that no process reads.
func (r *File) Abort() { r.file.Abort() }

// SHA256 returns the SHA-256 of the file, in hexadecimal.
func (r *File) SHA256() string { return r.file.SHA256() }

// Finish removes the journal. Call it when the run is complete and the summary is on the
// disk.
func (r *File) Finish() error {
	if r.journal.Load() == nil {
		return nil
	}
	return disk.Remove(journalName(r.name))
}

// Discard removes the file, its journal and its summary, if no row was begun. It keeps
// them if this run did not create the file, or if they are all that is known of an
// earlier execution.
func (r *File) Discard() error {
	if !r.file.created || r.manifest.Unsure > 0 {
		return nil
	}
	err := errors.Join(disk.Remove(r.name), r.Finish())
	if serr := disk.Remove(SummaryName(r.name)); !errors.Is(serr, fs.ErrNotExist) {
		err = errors.Join(err, serr)
	}
	return err
}

func hasJournal(name string) bool {
	_, err := os.Lstat(journalName(name))
	return err == nil
}
