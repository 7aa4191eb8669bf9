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

// syncEvery bounds how much of a results file a power cut can take.
const syncEvery = time.Second

// A File is a results CSV in a file. Until the run is complete a journal
// stands beside it, NAME.journal, with which a later run can go on.
//
// [Create] and [Resume] look, and change nothing; [File.Begin]
// makes the file and the journal what they are to be. What has been flushed
// survives the process. What is older than a second survives a power cut too, but
// for what the disk itself loses; the values before that [File.Before] was
// told survive it from the moment that it returns.
type File struct {
	*Writer
	name     string
	manifest Manifest
	file     *outputFile
	resumed  *journal // to go on with, or nil

	journal  atomic.Pointer[journal] // nil ahead of Begin, and if the file is a device
	records  int                     // in the file, once it is flushed
	lines    []int                   // of rows recorded and perhaps not on the disk
	unsynced bool
	synced   time.Time
}

// Create makes the results file called name, as [createOutput] does, or
// finds out why that can't be done: there must be no journal of an unfinished
// run, unless overwrite says to replace that too, and there must be room.
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
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("create %s: %w", name, disk.Cause(err))
	}
	return r, nil
}

// ErrJournal is what Create returns for a file that is not there, or
// empty, while its journal is.
var ErrJournal = errors.New("the journal of an unfinished run is there, with results and values before that nothing else has")

// checkJournalAlone returns ErrJournal if the results file called name is gone and its
// journal is not.
func checkJournalAlone(name string) error {
	if info, err := os.Stat(name); err == nil && (!info.Mode().IsRegular() || info.Size() > 0) {
		return nil // whoever creates the file says so
	}
	if !hasJournal(name) {
		return nil
	}
	return fmt.Errorf("create %s: %s: %w", name, journalName(name), ErrJournal)
}

// tryRoom writes a file, and removes it again.
func tryRoom(name string) error {
	f, err := createBeside(name)
	if err != nil {
		return err
	}
	defer disk.Remove(name)
	_, err = f.Write(make([]byte, bufferSize))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// Manifest returns what the file is made of.
func (r *File) Manifest() Manifest { return r.manifest }

// Device reports whether the file is a pipe or a device, which has no journal and
// can't be read back.
func (r *File) Device() bool { return r.file.device }

// Begin brings to the disk what the run starts from: the file with its header or,
// resumed, with the records that are whole, and the journal. It is for ahead of
// the first call, so that whatever then happens, the file says nothing of another
// run, and what was done can be found.
//
// In this order, no journal ever stands beside records of another run.
func (r *File) Begin() error {
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
	if err := r.file.Begin(); err != nil {
		return err
	}
	if r.file.size == 0 {
		if err := r.Writer.header(); err != nil {
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
	j := r.resumed
	if j == nil {
		j = newJournal(r.name, r.manifest)
	}
	j.manifest = r.manifest
	j.mark = r.mark()
	if err := j.rewrite(); err != nil {
		return err
	}
	r.journal.Store(j)
	r.synced = time.Now()
	return nil
}

// mark returns what is on the disk after a sync.
func (r *File) mark() *syncMark {
	return &syncMark{Records: r.records, Bytes: r.file.size, SHA256: r.file.SHA256()}
}

// Before keeps the values before of a row, and returns when no power cut can
// take them. It may be called from several goroutines at once.
func (r *File) Before(res *pipeline.Result) error {
	if j := r.journal.Load(); j != nil {
		return j.before(res)
	}
	return nil
}

// Done keeps the result of a row that can't be recorded yet.
func (r *File) Done(res *pipeline.Result) error {
	if j := r.journal.Load(); j != nil {
		j.done(res)
		r.unsynced = true
	}
	return nil
}

// Record adds the record of one row.
func (r *File) Record(res *pipeline.Result) error {
	if r.journal.Load() != nil {
		r.lines = append(r.lines, res.Row.Line)
	}
	r.records++
	r.unsynced = true
	return r.Writer.Record(res)
}

// Flush writes what is buffered, and once in a second brings it to the disk.
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
	if err := r.file.Sync(); err != nil {
		return err
	}
	if j := r.journal.Load(); j != nil {
		if err := j.dropRecorded(r.lines, *r.mark()); err != nil {
			return err
		}
	}
	r.lines = r.lines[:0]
	r.unsynced, r.synced = false, time.Now()
	return nil
}

// Sync brings to the disk what was recorded. It is for the end of a run, ahead of
// saying what is in the file: an error may be that it is lost, [ErrLost].
func (r *File) Sync() error {
	if err := r.Writer.Flush(); err != nil {
		return err
	}
	return r.sync()
}

// Close brings the file to the disk and closes it, and the journal, which stays.
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

// Abort ends a Write to a pipe that nobody reads.
func (r *File) Abort() { r.file.Abort() }

// SHA256 returns the SHA-256 of the file, in hexadecimal.
func (r *File) SHA256() string { return r.file.SHA256() }

// Finish removes the journal: the run is complete, and the summary that says so
// is on the disk.
func (r *File) Finish() error {
	if r.journal.Load() == nil {
		return nil
	}
	return disk.Remove(journalName(r.name))
}

// Discard removes the file, of which no row was begun, with all that stands beside
// it, unless that is the last that is known of an earlier life of the run.
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
