package report

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
)

// syncEvery bounds how much of a results file a power cut can take.
const syncEvery = time.Second

// A ResultsFile is a results CSV in a file. Until the run is complete a journal
// stands beside it, NAME.journal, with which a later run can go on.
//
// What has been flushed survives the process. What is older than a second
// survives a power cut too, but for what the disk itself loses; the values
// before that [ResultsFile.Before] was told survive it from the moment that it
// returns.
type ResultsFile struct {
	*Results
	name     string
	format   Format
	manifest Manifest
	file     *File

	start    sync.Once
	err      error                   // of the start
	journal  atomic.Pointer[journal] // nil ahead of the start, and if the file is a device
	lines    []int                   // of rows recorded and perhaps not on the disk
	unsynced bool
	synced   time.Time
}

// CreateResults makes the results file called name, as [CreateFile] does.
// Nothing is kept ahead of the first record or value before, but that there is
// room to is tried out.
func CreateResults(name string, overwrite bool, f Format, m Manifest) (*ResultsFile, error) {
	file, err := CreateFile(name, overwrite)
	if err != nil {
		return nil, err
	}
	r := &ResultsFile{name: name, format: f, manifest: m, file: file}
	r.Results = NewResults(file, f)
	if file.device {
		err = r.Results.header()
	} else {
		err = tryRoom(journalName(name) + ".new")
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("create %s: %w", name, cause(err))
	}
	return r, nil
}

// tryRoom writes a file, and removes it again.
func tryRoom(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(name)
	_, err = f.Write(make([]byte, bufferSize))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// begin makes ready for what is to be kept: the file empty, the journal new. In
// this order, so that no journal ever stands beside records of another run.
func (r *ResultsFile) begin() error {
	r.start.Do(func() {
		if r.journal.Load() != nil || r.file.device {
			return // resumed, or nothing to go on with
		}
		if r.err = os.Remove(journalName(r.name)); errors.Is(r.err, fs.ErrNotExist) {
			r.err = nil
		}
		if r.err == nil {
			_, r.err = r.file.Write(nil)
		}
		if r.err == nil {
			var j *journal
			if j, r.err = createJournal(r.name, r.manifest); r.err == nil {
				r.journal.Store(j)
			}
		}
	})
	return r.err
}

// Before keeps the values before of a row, and returns when no power cut can
// take them. It may be called from several goroutines at once.
func (r *ResultsFile) Before(res *pipeline.Result) error {
	err := r.begin()
	if j := r.journal.Load(); err == nil && j != nil {
		err = j.before(res)
	}
	return err
}

// Done keeps the result of a row that can't be recorded yet.
func (r *ResultsFile) Done(res *pipeline.Result) error {
	err := r.begin()
	if j := r.journal.Load(); err == nil && j != nil {
		j.done(res)
		r.unsynced = true
	}
	return err
}

// Record adds the record of one row.
func (r *ResultsFile) Record(res *pipeline.Result) error {
	if err := r.begin(); err != nil {
		return err
	}
	if r.journal.Load() != nil {
		r.lines = append(r.lines, res.Row.Line)
	}
	r.unsynced = true
	return r.Results.Record(res)
}

// Flush writes what is buffered, and once in a second brings it to the disk.
func (r *ResultsFile) Flush() error {
	err := r.Results.Flush()
	if j := r.journal.Load(); err == nil && j != nil {
		err = j.flush()
	}
	if err == nil && r.unsynced && time.Since(r.synced) >= syncEvery {
		err = r.sync()
	}
	return err
}

func (r *ResultsFile) sync() error {
	if err := r.file.Sync(); err != nil {
		return err
	}
	if j := r.journal.Load(); j != nil {
		if err := j.forget(r.lines); err != nil {
			return err
		}
		if err := j.syncAll(); err != nil {
			return err
		}
	}
	r.lines = r.lines[:0]
	r.unsynced, r.synced = false, time.Now()
	return nil
}

// Close brings the file to the disk and closes it. The journal goes if the run
// is complete.
func (r *ResultsFile) Close(complete bool) error {
	err := r.Results.Flush()
	if cerr := r.file.Close(); err == nil {
		err = cerr
	}
	if j := r.journal.Load(); j != nil {
		if jerr := j.close(complete && err == nil); err == nil {
			err = jerr
		}
	}
	return err
}

// ErrNotResumable is what ResumeResults returns, with the reason, for a file that
// a run can't go on with.
var ErrNotResumable = errors.New("can't go on with it")

// ResumeResults opens the results file called name to go on with it, if there is
// one, and otherwise creates it. It reads the rows that are recorded from rows,
// and counts them in s.
//
// Nothing is touched unless the file is of the same columns, the manifest the
// same, and each record of the row that rows has in its place.
func ResumeResults(name string, f Format, m Manifest, rows pipeline.Rows, s *Summary) (*ResultsFile, map[int]pipeline.Earlier, error) {
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) || err == nil && isEmpty(file) && !hasJournal(name) {
		// Both are left behind by a run that was killed before it had anything
		// to say.
		file.Close()
		r, err := CreateResults(name, false, f, m)
		return r, nil, err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("resume %s: %w", name, cause(err))
	}
	r := &ResultsFile{name: name, format: f, manifest: m, unsynced: true}
	whole, err := r.check(file, m, rows, s)
	if err == nil {
		err = file.Truncate(whole)
	}
	if err == nil {
		_, err = file.Seek(whole, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, nil, fmt.Errorf("resume %s: %w", name, err)
	}
	r.file = &File{f: file, begun: true}
	r.Results = NewResults(r.file, f)
	if whole > 0 {
		r.Results.buf = r.Results.buf[:0] // it has a header
	}
	var earlier map[int]pipeline.Earlier
	if j := r.journal.Load(); j != nil {
		if err := j.rewrite(); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("resume %s: %w", name, err), r.file.Close())
		}
		earlier = j.earlier()
	}
	return r, earlier, nil
}

func isEmpty(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular() && info.Size() == 0
}

func hasJournal(name string) bool {
	_, err := os.Stat(journalName(name))
	return err == nil
}

// check compares the file and its journal with the run that is to go on. It
// returns how much of the file is whole.
func (r *ResultsFile) check(file *os.File, m Manifest, rows pipeline.Rows, s *Summary) (whole int64, err error) {
	j, err := openJournal(r.name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if err == nil {
		if err := m.differ(j.manifest); err != nil {
			return 0, err
		}
		r.journal.Store(j)
	}
	whole, err = readRecords(file, r.format, func(rec Record) error {
		var row roster.Row
		if err := rows.Read(&row); err == io.EOF {
			return fmt.Errorf("made of another roster: it has line %d, %q, where the roster has ended", rec.Line, rec.UPN)
		} else if err != nil {
			return err
		}
		if row.Line != rec.Line || row.UPN != rec.UPN {
			return fmt.Errorf("made of another roster: it has line %d, %q, where the roster has line %d, %q", rec.Line, rec.UPN, row.Line, row.UPN)
		}
		return s.Record(&pipeline.Result{Status: rec.Status})
	})
	if err == nil && r.journal.Load() == nil && s.Rows < m.Rows {
		err = fmt.Errorf("%w: it has %d of %s, and no journal %s says of what it was made", ErrNotResumable, s.Rows, Plural(m.Rows, "row"), journalName(r.name))
	}
	return whole, err
}
