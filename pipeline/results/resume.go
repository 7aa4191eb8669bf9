package results

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
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
			from.Note = last.Note
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

// headerAlone reports whether the results file called name has only a header, whole or
// torn.
func headerAlone(name string, f Format) bool {
	in, err := os.Open(name)
	if err != nil {
		return false
	}
	defer in.Close()
	header := NewWriter(nil, f).buf
	b, err := io.ReadAll(io.NewSectionReader(in, 0, int64(len(header))+1))
	return err == nil && (bytes.Equal(b, header) || tornHeader(in, f))
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
			return fmt.Errorf("%w: its run is not complete, and its journal %s is gone", ErrNotResumable, journalName(r.name))
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

// match compares a record with the next row of the roster, and counts it.
func (r *File) match(rec Record, rows pipeline.Rows, from *Resumption) error {
	var row roster.Row
	if err := rows.Read(&row); err == io.EOF {
		return fmt.Errorf("made with another roster: it has line %d, %q, where the roster has ended", rec.Line, rec.UPN)
	} else if err != nil {
		return err
	}
	if row.Line != rec.Line || row.UPN != rec.UPN {
		return fmt.Errorf("made with another roster: it has line %d, %q, where the roster has line %d, %q", rec.Line, rec.UPN, row.Line, row.UPN)
	}
	if r.resumed != nil {
		delete(r.resumed.entries, rec.Line)
	}
	r.records++
	from.Counts.Recorded++
	from.Counts.ByStatus[rec.Status]++
	return nil
}

// moveAway says what to do with a file that was changed since its run.
const moveAway = ": put the unchanged file back, or move this one away: then it is made again from its journal, as far as possible"

// check returns an error unless f begins with the bytes that m has a checksum of. For a nil
// m it returns nil.
func (m *syncMark) check(f *os.File) error {
	if m == nil {
		return nil
	}
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(f, 0, m.Bytes))
	switch {
	case err != nil:
		return err
	case n < m.Bytes:
		return fmt.Errorf("%w: it has %d bytes, but had %d and %s: it was cut, or is an older copy%s", ErrNotResumable, n, m.Bytes, pipeline.Plural(m.Records, "record"), moveAway)
	case hex.EncodeToString(h.Sum(nil)) != m.SHA256:
		return fmt.Errorf("%w: it was changed since the run wrote it%s", ErrNotResumable, moveAway)
	}
	return nil
}

// sha256Of returns the SHA-256 of all of f, in hexadecimal.
func sha256Of(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", disk.Cause(err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
