package results

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/tenant/disk"
)

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

// match compares a record with the next row of the roster, and counts it.
func (r *File) match(rec Record, rows pipeline.Rows, from *Resumption) error {
	var row roster.Row
	if err := rows.Read(&row); err == io.EOF {
		return fmt.Errorf("made with another roster: it has line %d, %q, where the roster has ended", rec.Line, rec.UPN)
	} else if err != nil {
		return err
	}
	if row.Line == rec.Line && row.UPN != rec.UPN && strings.EqualFold(row.UPN, rec.UPN) {
		return fmt.Errorf("made with another roster: it has line %d, %q, where the roster has %q: capitals count, for a UPN is sent as it is written", rec.Line, rec.UPN, row.UPN)
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
