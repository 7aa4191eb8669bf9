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

// A Resumption is what a run goes on from.
type Resumption struct {
	Counts   pipeline.Counts          // what is recorded
	Earlier  map[int]pipeline.Earlier // what the journal has of other rows
	Unsure   int                      // see [pipeline.Run.Unsure]
	Complete bool                     // nothing is left to do, and the files stay as they are
	Warnings []string                 // what was lost
	Note     string                   // of the last life of the run

	was Manifest // what the files are made of
}

// ErrNotResumable is what Resume returns, with the reason, for a file that
// a run can't go on with.
var ErrNotResumable = errors.New("can't go on with it")

// Resume opens the results file called name to go on with it. Without one,
// and without a journal, it creates it; with a journal alone the file is made
// anew from that. It reads the rows that are recorded from rows.
//
// It changes nothing: that is Begin's. Unless the manifest is the same, the
// journal that of the last life of the run, what the file begins with what the
// journal says was in it, and each record of the row that rows has in its place,
// the error says what is not so.
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
		gone = headerAlone(name, f) // whoever made it anew was killed ahead of the journal
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
		// Killed ahead of the journal, and so of every call.
		return from.startAnew(name, f, m, nil)
	}

	r := &File{name: name, manifest: m.newID(""), resumed: j}
	if j != nil {
		was := j.manifest.ID
		if last != nil && last.Manifest.ID == j.manifest.Was { // killed ahead of its own summary, and this life may be, too
			was = last.Manifest.ID
		}
		r.manifest = m.newID(was)
	}
	if gone {
		if r.file, err = createOutput(name, true); err == nil { // which has no record
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
			from.warn("%s: rows that it does not have are set without a value before, unless they are not as wanted yet", damage)
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

// checkJournal compares the journal with the run that is to go on, and with the
// summary of the last life of it.
func (from *Resumption) checkJournal(m Manifest, j *journal, last *summaryDocument) error {
	from.was = j.manifest
	if err := m.differ(j.manifest); err != nil {
		return err
	}
	if last != nil && last.Manifest.ID != j.manifest.ID && last.Manifest.ID != j.manifest.Was {
		return fmt.Errorf("%w: its journal is not the one that the last run left beside it, by the summary: put that back", ErrNotResumable)
	}
	return nil
}

// startAnew begins a run of which there is neither a results file nor a journal. If
// the summary of one that did not come to its end is there, it has to be the same:
// with that summary would go the last that is known of those whom it changed.
func (from *Resumption) startAnew(name string, f Format, m Manifest, last *summaryDocument) (*File, *Resumption, error) {
	lost := last != nil && last.Outcome != Complete && last.Manifest.Run != "audit"
	if lost {
		err := m.differ(last.Manifest)
		if err == nil {
			err = m.differRoster(last.Manifest)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%w; of that run, which did not come to its end, only the summary %s is left", err, SummaryName(name))
		}
	}
	r, err := Create(name, true, f, m) // which has no journal, and no record
	if err != nil {
		return nil, nil, errors.Unwrap(err)
	}
	if lost {
		from.Unsure, r.manifest.Unsure = m.Rows, m.Rows
		from.warn("a run that did not come to its end has left a summary, and neither results nor a journal: what it changed can't be put back")
	}
	return r, from, nil
}

// headerAlone reports whether the header is all that the results file called name
// has.
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

// rebuilt says what is lost with a results file that is gone.
func (from *Resumption) rebuilt(name string, j *journal) {
	if j.mark == nil || j.mark.Records == 0 {
		return
	}
	from.Unsure = j.mark.Records
	from.warn("%s is gone, and with it the results and values before of %s: these are done again, without a value before unless they are not as wanted yet",
		name, pipeline.Plural(j.mark.Records, "row"))
}

// reopen opens the file, which is there, to go on behind its whole records.
func (r *File) reopen(f Format, m Manifest, rows pipeline.Rows, last *summaryDocument, damage string, from *Resumption) error {
	in, err := os.Open(r.name)
	if err != nil {
		return disk.Cause(err)
	}
	defer in.Close()
	if r.resumed == nil {
		switch {
		case last == nil:
			return fmt.Errorf("%w: neither a journal %s nor a summary %s says of what it was made", ErrNotResumable, journalName(r.name), SummaryName(r.name))
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
			return fmt.Errorf("%w: it was changed since its run ended, by the summary %s", ErrNotResumable, SummaryName(r.name))
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
		return fmt.Errorf("%w: it has %s, and its summary says that it is complete", ErrNotResumable, pipeline.Plural(from.Counts.Recorded, "record"))
	}
	r.file, err = openOutput(r.name, whole)
	return err
}

// match compares a record with the row that has to be in its place, and counts it.
func (r *File) match(rec Record, rows pipeline.Rows, from *Resumption) error {
	var row roster.Row
	if err := rows.Read(&row); err == io.EOF {
		return fmt.Errorf("made of another roster: it has line %d, %q, where the roster has ended", rec.Line, rec.UPN)
	} else if err != nil {
		return err
	}
	if row.Line != rec.Line || row.UPN != rec.UPN {
		return fmt.Errorf("made of another roster: it has line %d, %q, where the roster has line %d, %q", rec.Line, rec.UPN, row.Line, row.UPN)
	}
	if r.resumed != nil {
		delete(r.resumed.entries, rec.Line)
	}
	r.records++
	from.Counts.Recorded++
	from.Counts.ByStatus[rec.Status]++
	return nil
}

// moveAway is what to do with a file that is not what its run left.
const moveAway = ": put back what it was, or move it away, and it is made anew as far as its journal goes"

// check returns an error unless f begins with what was on the disk by m. A nil m
// says nothing of it.
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
		return fmt.Errorf("%w: it has %d bytes, and had %d and %s: it was cut, or is an older copy%s", ErrNotResumable, n, m.Bytes, pipeline.Plural(m.Records, "record"), moveAway)
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
