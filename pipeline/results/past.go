package results

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"rollcall/pipeline"
)

// A Past is what a run has left: a results file, its summary and, if it did not
// come to its end, its journal. Who reads it finds all that is known of the run,
// and what is not.
type Past struct {
	Name     string
	Manifest *Manifest       // what run it was, or nil if nothing says so
	Counts   pipeline.Counts // where the rows stand; Total is 0 if it is not known
	By       string          // who ran it and when, in words, or ""
	Signed   Signature       // what else is on record of how it came about

	// Doubts are why users may have been changed whom the rows do not name, or
	// name wrongly: the file was edited, the journal is gone or damaged, or the
	// run kept no record of what was in progress.
	Doubts []string

	// Unaccounted says that nothing tells which of the rows without a result were in
	// progress: none of them is counted as such.
	Unaccounted bool

	// Unknown says that nothing stands beside the file that tells of the run.
	Unknown bool

	summary    *summaryDocument
	journal    *journal
	wholeBytes int64 // how much of the file is whole records, if there is a journal
	header     []string
}

// A Signature ties a run to what it was about and to who wanted it. What is not on
// record is empty.
type Signature struct {
	Note                 string // why, in the words of who ran it
	Caller               string // the account or the application that the tenant knows them by
	CommandLine          string
	Version              string // of the program
	Roster, RosterSHA256 string // the name of the file, and its digest in hexadecimal
}

// ReadPast reads what the run with the results file called name has left. An
// error is one of reading, or that the file is gone and only its journal is there.
func ReadPast(name string) (*Past, error) {
	p := &Past{Name: name}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) && hasJournal(name) {
		return nil, fmt.Errorf("read %s: it is gone, and its journal %s is there: to go on with that run makes it anew", name, journalName(name))
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		p.Unknown = true
		return p, err
	}
	var doubt error
	if p.summary, doubt = readSummary(name); doubt != nil {
		p.doubt("%v", doubt)
	}
	var damage string
	p.journal, damage, doubt = readJournal(name)
	switch {
	case doubt == nil:
		p.readUnfinished(f, damage)
	case !errors.Is(doubt, fs.ErrNotExist):
		p.doubt("%v", doubt)
	default:
		err = p.readFinished(f)
	}
	if m := p.Manifest; m != nil {
		p.Counts.Total = max(m.Rows, p.Counts.Done())
	}
	return p, err
}

func (p *Past) doubt(format string, args ...any) {
	p.Doubts = append(p.Doubts, fmt.Sprintf(format, args...))
}

// readFinished takes in the summary of a run that has left no journal.
func (p *Past) readFinished(f *os.File) error {
	s := p.summary
	if s == nil {
		p.Unknown = len(p.Doubts) == 0
		return nil
	}
	sum, err := sha256Of(f)
	switch {
	case err != nil:
		return err
	case s.Outcome == Running:
		p.doubt("the run of %s did not come to its end, and its journal is gone: who was changed besides is not known", s.Started)
		p.setManifest(&s.Manifest)
		p.Unaccounted = true
		_, _, err := readRecords(f, nil, func(rec Record, _ []string, _ int64) error {
			p.Counts.Recorded++
			p.Counts.ByStatus[rec.Status]++
			return nil
		})
		if err != nil {
			p.doubt("%s is not what its run left, behind %s: %v", p.Name, pipeline.Plural(p.Counts.Recorded, "record"), err)
		}
		return nil
	case sum != s.ResultsSHA256:
		p.doubt("%s is not as its run of %s left it, with %s: the summary %s is left out of account", p.Name, s.Started, pipeline.Plural(s.Rows.Recorded-s.Rows.Journalled, "row"), SummaryName(p.Name))
		return nil
	case s.Rows.InProgress+s.Rows.Journalled > 0:
		p.doubt("the run of %s left %s beside the file, and its journal is gone", s.Started, pipeline.Plural(s.Rows.InProgress+s.Rows.Journalled, "row"))
	}
	if n := s.Manifest.Unsure - s.Rows.Recorded; n > 0 {
		p.doubtUnsure(n)
	}
	p.setManifest(&s.Manifest)
	p.Counts.Recorded, p.Counts.ByStatus = s.Rows.Recorded-s.Rows.Journalled, s.Rows.ByStatus
	p.Counts.InProgress = s.Rows.InProgress
	return nil
}

// doubtUnsure notes that nothing is known of n rows or fewer that an earlier life of the
// run may have set.
func (p *Past) doubtUnsure(n int) {
	p.doubt("%s had lost results, or entries of its journal, when the run went on with it, and the run did not come to its end: any of %s without a result may have been changed",
		p.Name, pipeline.Plural(n, "row"))
}

// setManifest notes what run it was.
func (p *Past) setManifest(m *Manifest) {
	p.Manifest = m
	if s := p.summary; s != nil && s.Manifest.ID == m.ID {
		p.Signed = Signature{Note: s.Note, Caller: s.Caller, CommandLine: s.CommandLine, Version: s.Version, Roster: s.Roster, RosterSHA256: s.RosterSHA256}
		p.By = fmt.Sprintf("%s, by %s on %s", s.started().UTC().Format("2006-01-02 15:04 UTC"), cmp.Or(s.User, "somebody"), cmp.Or(s.Host, "some machine"))
	}
}

// readUnfinished takes in the journal of a run that did not come to its end, or was
// killed at the very end of it.
func (p *Past) readUnfinished(f *os.File, damage string) {
	j := p.journal
	if damage != "" {
		p.doubt("%s: rows that it had may be missing", damage)
	}
	if s := p.summary; s != nil && s.Manifest.ID != j.manifest.ID && s.Manifest.ID != j.manifest.Was {
		p.doubt("%s is not the journal that the last run left, by the summary", j.name)
	}
	if err := j.mark.check(f); err != nil {
		p.doubt("%s is not what its run left, by its journal", p.Name)
	}
	p.setManifest(&j.manifest)
	var err error
	if p.header, p.wholeBytes, err = readRecords(f, nil, p.record); err != nil {
		p.doubt("%s is not what its run left, behind %s: %v", p.Name, pipeline.Plural(p.Counts.Recorded, "record"), err)
	}
	if p.header == nil {
		return
	}
	for _, e := range p.entries() {
		if r := e.result(); r != nil {
			p.Counts.Journalled++
			p.Counts.ByStatus[r.Status]++
		} else {
			p.Counts.InProgress++
		}
	}
	if n := min(j.manifest.Unsure-p.Counts.Recorded, j.manifest.Rows-p.Counts.Recorded-len(j.entries)); n > 0 {
		p.doubtUnsure(n)
	}
	if left := j.manifest.Rows - p.Counts.Done(); left > 0 && !j.manifest.Befores && j.manifest.Run != "audit" {
		p.doubt("the run did not come to its end, and kept no record of the rows in progress: any of %s without a result may have been changed", pipeline.Plural(left, "row"))
	}
}

// record counts a record, and drops from the journal what it has of the row.
func (p *Past) record(rec Record, cells []string, end int64) error {
	if err := p.journal.checkRecord(rec, cells, end, len(p.Doubts) > 0); err != nil {
		return err
	}
	p.Counts.Recorded++
	p.Counts.ByStatus[rec.Status]++
	delete(p.journal.entries, rec.Line)
	return nil
}

// entries returns what the journal has of rows that are not recorded, in their
// order.
func (p *Past) entries() []entry {
	var all []entry
	for _, e := range p.journal.entries {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return a.Line - b.Line })
	return all
}

// Complete reports whether the run is known to have recorded every row.
func (p *Past) Complete() bool {
	return p.Manifest != nil && p.Counts.Total > 0 && p.Counts.Recorded == p.Counts.Total
}

// SHA256 returns the digest of the file as it stands, in hexadecimal.
func (p *Past) SHA256() (string, error) {
	f, err := os.Open(p.Name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return sha256Of(f)
}

// HasJournalRows reports whether the journal has rows that the file has not.
func (p *Past) HasJournalRows() bool { return p.header != nil && len(p.journal.entries) > 0 }

// InProgress is the error of a row that was in progress when its run ended.
const InProgress = "in progress when the run ended: " + pipeline.SetSent + ", perhaps"

// Open opens the file, with the rows behind it that only the journal has: those
// that are done and, if open says so, those in progress, as unverified.
func (p *Past) Open(open bool) (io.ReadCloser, error) {
	f, err := os.Open(p.Name)
	if err != nil || !p.HasJournalRows() {
		return f, err
	}
	var tail bytes.Buffer
	properties, moved, own := ParseColumns(p.header)
	out := NewWriter(&tail, Format{Properties: properties, Moved: moved, Header: p.header[own:], UPN: -1, Excel: p.Manifest.Excel})
	out.buf, out.begun = out.buf[:0], true // the file has a header
	for _, e := range p.entries() {
		r := e.result()
		if r == nil && !open {
			continue
		}
		if r == nil {
			r = e.unverified()
		}
		r.Row.Cells = make([]string, len(p.header)-own)
		for len(r.Values) < len(properties) {
			r.Values = append(r.Values, pipeline.Value{})
		}
		r.Values = r.Values[:len(properties)]
		for len(r.Moved) < len(moved) {
			r.Moved = append(r.Moved, pipeline.Value{})
		}
		r.Moved = r.Moved[:len(moved)]
		out.Record(r) // into a buffer
	}
	out.Flush()
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.NewSectionReader(f, 0, p.wholeBytes), &tail), f}, nil
}
