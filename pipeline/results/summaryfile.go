package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"rollcall/tenant/disk"
)

// SummaryName returns the name of the summary of the results file called name.
func SummaryName(name string) string { return name + ".json" }

// maxSummary is how many bytes of a summary are read.
const maxSummary = 1 << 20

// WriteSummary writes the summary of a run beside its results file, which is called name.
// The summary is written whole or not at all, and never through a link.
func WriteSummary(name string, o *Outcome) error {
	return disk.ReplaceFile(SummaryName(name), 0o600, o.JSON)
}

// readSummary returns the summary beside the results file called name, or nil if
// there is none. A file that is not a summary of this program is an error.
func readSummary(name string) (*summaryDocument, error) {
	name = SummaryName(name)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, disk.Cause(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSummary))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, disk.Cause(err))
	}
	d := new(summaryDocument)
	if err := json.Unmarshal(b, d); err != nil {
		return nil, fmt.Errorf("read %s: not a summary of rollcall: %w", name, err)
	}
	if d.Schema != SummarySchema || d.Manifest.ID == "" {
		return nil, fmt.Errorf("read %s: not a summary of this version of rollcall (schema %d, want %d)", name, d.Schema, SummarySchema)
	}
	return d, nil
}

// MarkUndone notes in the summary that an undo of the run begins: it can't be resumed from
// then on, because users of its records are not as these say. A run without a summary can't
// be marked.
func (p *Past) MarkUndone() error {
	if p.summary == nil {
		return nil
	}
	p.summary.Undone = time.Now().UTC().Format(time.RFC3339)
	return disk.ReplaceFile(SummaryName(p.Name), 0o600, p.summary.write)
}

// IsOn reports whether the run of the summary was on that tenant, whether or not the summary
// fits the file.
func (p *Past) IsOn(w Where) bool { return p.summary != nil && p.summary.Manifest.Where.Same(w) }

// Undone returns when an undo of the run began, or "" if none is known of.
func (p *Past) Undone() string {
	if p.summary == nil {
		return ""
	}
	return p.summary.Undone
}

func (d *summaryDocument) write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}

// checkSummary returns an error if another file, which must not be lost, has the name of the
// summary of the results file called name.
func checkSummary(name string) error {
	info, err := regular(SummaryName(name), "summary")
	if info == nil {
		return err
	}
	if _, err := readSummary(name); err != nil && info.Size() > 0 {
		return fmt.Errorf("%w: the summary would replace it, so move it away", err)
	}
	return nil
}

// regular returns an error if the file called name is there and can't be replaced by a
// summary or a journal. The info is nil if it is not there.
func regular(name, by string) (fs.FileInfo, error) {
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file, and the %s would replace it", name, by)
	}
	if err != nil {
		return nil, err
	}
	return info, nil
}

// started returns when the run began, or the zero time.
func (d *summaryDocument) started() time.Time {
	t, _ := time.Parse(time.RFC3339, d.Started)
	return t
}
