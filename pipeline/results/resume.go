package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"rollcall/pipeline"
	"rollcall/tenant/disk"
)

// A Resumption is what an earlier execution has left for the run that resumes it.
type Resumption struct {
	Counts   pipeline.Counts          // the rows that are recorded
	Earlier  map[int]pipeline.Earlier // the journal's entries of other rows
	Unsure   int                      // see [pipeline.Run.Unsure]
	Complete bool                     // there is nothing left to do, and the files are not changed
	Warnings []string                 // what was lost
	Note     string                   // of the earlier execution
	Roster   string                   // SHA-256 of its roster, in hexadecimal, or "" if it is not on record

	was Manifest // of the files
}

// ErrNotResumable is the cause of the error of Resume for a file that can't be resumed.
var ErrNotResumable = errors.New("can't go on with it")

// Resume opens the results file called name to go on with it. If there is neither the file
// nor its journal, it creates the file; if there is only the journal, it makes the file
// again from that. It reads from rows the rows that are recorded.
//
// It changes nothing: [File.Begin] does. It returns an error unless all of this holds: the
// manifest is the same; the journal is that of the last execution; the file begins with the
// bytes that the journal has a checksum of; and each record is of the row that is next in
// rows.
func Resume(name string, f Format, m Manifest, rows pipeline.Rows) (*File, *Resumption, error) {
	r, from, err := resumeResults(name, f, m, rows)
	if err != nil {
		return nil, nil, fmt.Errorf("resume %s: %w", name, err)
	}
	return r, from, nil
}

func resumeResults(name string, f Format, m Manifest, rows pipeline.Rows) (*File, *Resumption, error) {
	from := &Resumption{}
	if err := checkSummary(name); err != nil {
		return nil, nil, err
	}
	last, _ := readSummary(name)
	if last != nil && last.Undone != "" {
		return nil, nil, fmt.Errorf("%w: an undo of its run began on %s, and its users may be as they were before: begin a new run, with another file", ErrNotResumable, last.Undone)
	}
	j, damage, err := readJournal(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	info, err := os.Stat(name)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, nil, disk.Cause(err)
	case err == nil && !info.Mode().IsRegular():
		return nil, nil, errors.New("not a regular file")
	}
	gone := err != nil || info.Size() == 0
	if !gone && j != nil && j.mark != nil && j.mark.Records > 0 {
		gone = headerAlone(name, f) // a run that made the file again was killed before it wrote the journal
	}
	switch {
	case j != nil:
		if err := from.checkJournal(m, j, last); err != nil {
			return nil, nil, err
		}
		if last != nil {
			from.Note, from.Roster = last.Note, last.RosterSHA256
		}
	case gone:
		return from.startAnew(name, f, m, last)
	case last == nil && headerAlone(name, f):
		// The run was killed before it wrote the journal, and so before every call.
		return from.startAnew(name, f, m, nil)
	}

	r := &File{name: name, manifest: m.newID(""), resumed: j}
	if j != nil {
		was := j.manifest.ID
		if last != nil && last.Manifest.ID == j.manifest.Was { // it was killed before it wrote its own summary, and so may this run be
			was = last.Manifest.ID
		}
		r.manifest = m.newID(was)
	}
	if gone {
		if r.file, err = createOutput(name, true); err == nil { // without a record
			from.rebuilt(name, j)
		}
	} else {
		err = r.reopen(f, m, rows, last, damage, from)
	}
	if err == nil {
		err = m.differRoster(from.was)
	}
	if err != nil {
		if r.file != nil {
			r.file.Close()
		}
		return nil, nil, err
	}
	r.Writer = NewWriter(r.file, f)
	if r.file.size > 0 {
		r.Writer.buf = r.Writer.buf[:0] // it has a header
	}
	if j != nil {
		from.Earlier = j.earlier()
		if damage != "" {
			from.Unsure += pipeline.Window
			if gone {
				from.Unsure = m.Rows
			}
			from.warn("%s: rows that it does not have are set again; those that are already as wanted get no value before", damage)
		}
	}
	from.Unsure = max(from.Unsure, from.was.Unsure-from.Counts.Recorded)
	if from.Unsure > 0 && m.Run != "audit" {
		r.manifest.Unsure = min(from.Counts.Recorded+from.Unsure, m.Rows)
	}
	return r, from, nil
}

func (from *Resumption) warn(format string, args ...any) {
	from.Warnings = append(from.Warnings, fmt.Sprintf(format, args...))
}

// checkJournal compares the journal with the manifest of the run that wants to resume, and
// with the summary of the last execution.
func (from *Resumption) checkJournal(m Manifest, j *journal, last *summaryDocument) error {
	from.was = j.manifest
	if err := m.differ(j.manifest); err != nil {
		return err
	}
	if last != nil && last.Manifest.ID != j.manifest.ID && last.Manifest.ID != j.manifest.Was {
		return fmt.Errorf("%w: its journal is not the one of the run in the summary: put that journal back", ErrNotResumable)
	}
	return nil
}

// startAnew begins a run without a results file and without a journal. If there is the
// summary of a run that is not complete, it must be the same run: that summary is all that
// is known of the users whom it changed.
func (from *Resumption) startAnew(name string, f Format, m Manifest, last *summaryDocument) (*File, *Resumption, error) {
	lost := last != nil && last.Outcome != Complete && last.Manifest.Run != "audit"
	if lost {
		err := m.differ(last.Manifest)
		if err == nil {
			err = m.differRoster(last.Manifest)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%w; that run is not complete, and only its summary %s is left", err, SummaryName(name))
		}
	}
	r, err := Create(name, true, f, m) // without a journal and without a record
	if err != nil {
		return nil, nil, errors.Unwrap(err)
	}
	if lost {
		from.Unsure, r.manifest.Unsure = m.Rows, m.Rows
		from.warn("there is the summary of a run that is not complete, but neither its results nor its journal: what it changed can't be put back")
	}
	return r, from, nil
}

// rebuilt warns of what was lost with a results file that is gone.
func (from *Resumption) rebuilt(name string, j *journal) {
	if j.mark == nil || j.mark.Records == 0 {
		return
	}
	from.Unsure = j.mark.Records
	from.warn("%s is gone, and with it the results and values before of %s: these are done again; those that are already as wanted get no value before",
		name, pipeline.Plural(j.mark.Records, "row"))
}

// reopen opens the existing file, to append after its whole records.
func (r *File) reopen(f Format, m Manifest, rows pipeline.Rows, last *summaryDocument, damage string, from *Resumption) error {
	in, err := os.Open(r.name)
	if err != nil {
		return disk.Cause(err)
	}
	defer in.Close()
	if r.resumed == nil {
		switch {
		case last == nil:
			return fmt.Errorf("%w: there is neither its journal %s nor its summary %s", ErrNotResumable, journalName(r.name), SummaryName(r.name))
		case last.Outcome == Running || last.Rows.Recorded < last.Rows.Total:
			return fmt.Errorf("%w: its run is not complete, and its journal %s is gone: put that back, or begin a new run, with another file", ErrNotResumable, journalName(r.name))
		}
		from.was = last.Manifest
		if err := m.differ(last.Manifest); err != nil {
			return err
		}
		if sum, err := sha256Of(in); err != nil {
			return err
		} else if sum != last.ResultsSHA256 {
			return fmt.Errorf("%w: it was changed since its run ended: it does not agree with the summary %s", ErrNotResumable, SummaryName(r.name))
		}
		from.Complete = true
	} else if err := r.resumed.mark.check(in); err != nil {
		return err
	}
	var whole int64
	if !tornHeader(in, f) {
		_, whole, err = readRecords(in, Columns(f), func(rec Record, cells []string, end int64) error {
			if r.resumed != nil {
				if err := r.resumed.checkRecord(rec, cells, end, damage != ""); err != nil {
					return fmt.Errorf("%w: %w", ErrNotResumable, err)
				}
			}
			return r.match(rec, rows, from)
		})
		if err != nil {
			return err
		}
	}
	if from.Complete && from.Counts.Recorded != m.Rows {
		return fmt.Errorf("%w: it has %s, but its summary says that it is complete", ErrNotResumable, pipeline.Plural(from.Counts.Recorded, "record"))
	}
	r.file, err = openOutput(r.name, whole)
	return err
}
