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

// A Past is what is known of an earlier run from its files: the results file, its summary
// and, if it is not complete, its journal.
type Past struct {
	Name     string
	Manifest *Manifest       // of the run, or nil if it is not on record
	Counts   pipeline.Counts // the rows by state; Total is 0 if it is not known
	By       string          // who ran it and when, in words, or ""
	Signed   Signature       // who wanted the run, and why

	// Doubts are the reasons why the rows may not name every user who was changed, or
	// may be wrong: the file was edited, the journal is gone or damaged, or the run kept
	// no record of rows in progress.
	Doubts []string

	// Unaccounted says that it is not known which of the rows without a result were in
	// progress: none of them is counted as in progress.
	Unaccounted bool

	// Stopped says why the run did not record every row; "" if it did, or if that is not
	// known.
	Stopped string

	// Running says that the run is going on: see [Past.SetRunning].
	Running bool

	// Untouched says that no user of the rows in progress was changed.
	Untouched bool

	// Unknown says that the file has neither a journal nor a summary.
	Unknown bool

	// Ignored is the manifest of a summary that does not fit the file, so that nothing is
	// taken from it; otherwise nil.
	Ignored *Manifest

	summary    *summaryDocument
	journal    *journal
	wholeBytes int64 // how many bytes of the file are whole records, if there is a journal
	header     []string
}

// A Signature says who wanted a run, why, and with which command and roster. A field is
// empty if it is not on record.
type Signature struct {
	Note                 string // why, in the words of the person who ran it
	Caller               string // account or application that called the tenant
	CommandLine          string
	Version              string // of the program
	Roster, RosterSHA256 string // the name of the file, and its digest in hexadecimal
}

// ReadPast reads the files of the run with the results file called name. It is an error if
// a file can't be read, or if the results file is gone, or not even its header is left, and
// only its journal is there.
func ReadPast(name string) (*Past, error) {
	p := &Past{Name: name}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) && hasJournal(name) {
		return nil, journalAlone(name, "the file is gone")
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
		switch {
		case p.header != nil:
		case NewSource(io.NewSectionReader(f, 0, 1<<62)) != nil: // a spreadsheet has made it another CSV
			p.Manifest, p.Ignored = nil, &p.journal.manifest
			p.Doubts = []string{fmt.Sprintf("%s is not as its run left it, which is not complete: its journal is ignored, and users that only the journal has are left out", name)}
		default:
			err = journalAlone(name, "there is no header of results in it")
		}
	case !errors.Is(doubt, fs.ErrNotExist):
		p.doubt("%v", doubt)
		if p.summary != nil {
			p.readUnaccounted(f)
		}
	default:
		err = p.readFinished(f)
	}
	if m := p.Manifest; m != nil {
		p.Counts.Total = max(m.Rows, p.Counts.Done())
		if s := p.summary; s != nil && s.Manifest.ID == m.ID && p.Counts.Left() > 0 {
			p.Stopped = s.Reason
		}
	}
	return p, err
}

func (p *Past) doubt(format string, args ...any) {
	p.Doubts = append(p.Doubts, fmt.Sprintf(format, args...))
}

func journalAlone(name, how string) error {
	return fmt.Errorf("read %s: %s, but its journal %s is there: put the file back as it was; if it is gone for good, --resume makes it again, without the results and values before that were in it", name, how, journalName(name))
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
		p.doubt("the run of %s is not complete, and its journal is gone: it is not known which other users were changed", s.Started)
		p.readUnaccounted(f)
		return nil
	case sum != s.ResultsSHA256:
		p.doubt("%s is not as its run of %s left it, with %s: the summary %s is ignored", p.Name, s.Started, pipeline.Plural(s.Rows.Recorded-s.Rows.Journalled, "row"), SummaryName(p.Name))
		p.Ignored = &s.Manifest
		return nil
	case s.Rows.InProgress+s.Rows.Journalled > 0:
		p.doubt("the run of %s left %s in its journal, and the journal is gone", s.Started, pipeline.Plural(s.Rows.InProgress+s.Rows.Journalled, "row"))
	}
	if n := s.Manifest.Unsure - s.Rows.Recorded; n > 0 {
		p.doubtUnsure(n)
	}
	p.setManifest(&s.Manifest)
	p.Counts.Recorded, p.Counts.ByStatus = s.Rows.Recorded-s.Rows.Journalled, s.Rows.ByStatus
	p.Counts.InProgress = s.Rows.InProgress
	return nil
}

// readUnaccounted takes in the records of a run of which the summary is there, and not the
// journal.
func (p *Past) readUnaccounted(f *os.File) {
	p.setManifest(&p.summary.Manifest)
	p.Unaccounted = true
	_, _, err := readRecords(f, nil, func(rec Record, _ []string, _ int64) error {
		p.Counts.Recorded++
		p.Counts.ByStatus[rec.Status]++
		return nil
	})
	if err != nil {
		p.doubt("%s was changed since its run, after %s: %v", p.Name, pipeline.Plural(p.Counts.Recorded, "record"), err)
	}
}

// doubtUnsure adds the doubt that an earlier execution may have set up to n rows of which
// nothing is known.
func (p *Past) doubtUnsure(n int) {
	p.doubt("%s had lost results, or entries of its journal, when the run was resumed, and the run is not complete: each of %s without a result may have been changed",
		p.Name, pipeline.Plural(n, "row"))
}

// setManifest sets the manifest, and what the summary says of the same run.
func (p *Past) setManifest(m *Manifest) {
	p.Manifest = m
	if s := p.summary; s != nil && s.Manifest.ID == m.ID {
		p.Signed = Signature{Note: s.Note, Caller: s.Caller, CommandLine: s.CommandLine, Version: s.Version, Roster: s.Roster, RosterSHA256: s.RosterSHA256}
		p.By = fmt.Sprintf("%s, by %s on %s", s.started().UTC().Format("2006-01-02 15:04 UTC"), cmp.Or(s.User, "somebody"), cmp.Or(s.Host, "some machine"))
	}
}

// readUnfinished reads the journal of a run that is not complete, or that was killed at its very
// end.
func (p *Past) readUnfinished(f *os.File, damage string) {
	j := p.journal
	if damage != "" {
		p.doubt("%s: rows that it had may be missing", damage)
	}
	if s := p.summary; s != nil && s.Manifest.ID != j.manifest.ID && s.Manifest.ID != j.manifest.Was {
		p.doubt("%s is not the journal of the run in the summary", j.name)
	}
	if err := j.mark.check(f); err != nil {
		p.doubt("%s was changed since its run: it does not agree with its journal", p.Name)
	}
	p.setManifest(&j.manifest)
	var err error
	if p.header, p.wholeBytes, err = readRecords(f, nil, p.record); err != nil {
		p.doubt("%s was changed since its run, after %s: %v", p.Name, pipeline.Plural(p.Counts.Recorded, "record"), err)
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
	left := j.manifest.Rows - p.Counts.Done()
	known := damage == "" && p.summaryFits(f)
	if known {
		p.Counts.InProgress, p.Untouched = p.summary.Rows.InProgress, p.summary.Rows.Untouched
	}
	switch {
	case left <= 0 || j.manifest.Befores || j.manifest.Run == "audit":
	case !known || j.manifest.Was != "": // an earlier execution may have been killed
		p.Unaccounted, p.Counts.InProgress = true, 0
		p.doubt("the run is not complete, and kept no record of the rows in progress: each of %s without a result may have been changed", pipeline.Plural(left, "row"))
	case p.Counts.InProgress > 0 && !p.Untouched:
		p.doubt("the run is not complete, and kept no record of which rows were in progress: %d of %s without a result may have been changed", p.Counts.InProgress, pipeline.Plural(left, "row"))
	}
}

// summaryFits reports whether the summary is of the execution that wrote the journal,
// after its end, and agrees with the file f and the journal: then it says how many rows
// were in progress, which the journal does not have of rows that were not set.
func (p *Past) summaryFits(f *os.File) bool {
	s := p.summary
	if s == nil || s.Manifest.ID != p.journal.manifest.ID || s.Outcome == Running || s.Rows.Recorded != p.Counts.Done() {
		return false
	}
	sum, err := sha256Of(f)
	return err == nil && sum == s.ResultsSHA256
}

// record counts a record, and drops the row's entry in the journal.
func (p *Past) record(rec Record, cells []string, end int64) error {
	if err := p.journal.checkRecord(rec, cells, end, len(p.Doubts) > 0); err != nil {
		return err
	}
	p.Counts.Recorded++
	p.Counts.ByStatus[rec.Status]++
	delete(p.journal.entries, rec.Line)
	return nil
}

// entries returns the journal's entries of rows that are not recorded, in the order of
// rows.
func (p *Past) entries() []entry {
	var all []entry
	for _, e := range p.journal.entries {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return a.Line - b.Line })
	return all
}

// SetRunning takes note that the run is going on, which the files do not tell. What seems
// not to fit together is then of another moment, and the one doubt is what the run will do.
func (p *Past) SetRunning() {
	p.Running, p.Stopped, p.Doubts = true, "", nil
	if left := p.Counts.Total - p.Counts.Done(); left > 0 {
		p.doubt("the run is going on: %d of %s have no result yet", left, pipeline.Plural(p.Counts.Total, "row"))
	} else {
		p.doubt("the run is going on")
	}
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

// HasJournalRows reports whether the journal has rows that are not in the file.
func (p *Past) HasJournalRows() bool { return p.header != nil && len(p.journal.entries) > 0 }

// InProgress is the error of a row that was in progress when its run ended.
const InProgress = "in progress when the run ended: " + pipeline.SetSent + ", perhaps"

// Open opens the file, followed by the rows that only the journal has: those that are done
// and, if open is set, those in progress, as unverified.
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
