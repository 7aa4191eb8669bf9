package results

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"

	"rollcall/pipeline"
)

// journalVersion is the version of the journal's format. A journal of another version is
// not read.
const journalVersion = 3

// A journalHead is the first line of a journal.
type journalHead struct {
	Version  int      `json:"journal"`
	Manifest Manifest `json:"manifest"`
	Room     int64    `json:"room"` // the size of the file
}

// journalLine returns v as a line of a journal: a checksum in eight hexadecimal digits, a
// blank, JSON, and a line feed. The checksum is the CRC-32C of the manifest's ID and the
// JSON, so that a line of another journal is not valid in this one. For the first line,
// which has the ID, id is "".
func journalLine(id string, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", checksum(id, text), text), nil
}

func checksum(id string, text []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(id), castagnoli), castagnoli, text)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checkLine returns the JSON of a line, and whether its checksum is right.
func checkLine(id string, line []byte) (text []byte, ok bool) {
	const sum = 8
	if len(line) < sum+1 || line[sum] != ' ' {
		return nil, false
	}
	var want [4]byte
	if _, err := hex.Decode(want[:], line[:sum]); err != nil {
		return nil, false
	}
	text = line[sum+1:]
	got := checksum(id, text)
	return text, want == [4]byte{byte(got >> 24), byte(got >> 16), byte(got >> 8), byte(got)}
}

// readJournal reads the journal of the results file called name: a [journalHead],
// then entries and marks, then zeros. It returns an error that is
// [fs.ErrNotExist] if there is none.
//
// A last line without its end was being written when the process was killed or the power
// was cut: nothing was done because of it, and it is dropped. Any other line that is not
// valid is left out. Then, or if the file was cut, damage says so: rows may have been set
// that the journal does not have.
func readJournal(name string) (j *journal, damage string, err error) {
	j = newJournal(name, Manifest{})
	b, err := os.ReadFile(j.name)
	if err != nil {
		return nil, "", err
	}
	written := b
	if i := bytes.Index(b, zeros); i >= 0 {
		written = b[:i]
	}
	written = bytes.TrimRight(written, "\x00")
	var head journalHead
	line, rest, ended := bytes.Cut(written, []byte("\n"))
	text, ok := checkLine("", line)
	if !ended || !ok || json.Unmarshal(text, &head) != nil || head.Version == 0 {
		if json.Unmarshal(line, &head.Manifest) == nil {
			return nil, "", fmt.Errorf("read %s: another version of rollcall made it", j.name)
		}
		return nil, "", fmt.Errorf("read %s: its first line is damaged", j.name)
	}
	if head.Version != journalVersion {
		return nil, "", fmt.Errorf("read %s: another version of rollcall made it (journal %d, want %d)", j.name, head.Version, journalVersion)
	}
	j.manifest, j.room = head.Manifest, head.Room
	bad := 0
	for len(rest) > 0 {
		line, rest, ended = bytes.Cut(rest, []byte("\n"))
		text, ok := checkLine(head.Manifest.ID, line)
		switch {
		case ok && ended:
			err = j.read(text)
		case !ended && !isWhole(head.Manifest.ID, line):
			continue // cut short as it was written
		default:
			err = errDamaged
		}
		if err != nil {
			bad++
		}
	}
	switch {
	case int64(len(b)) < j.room:
		damage = fmt.Sprintf("%s was cut: it has %s, and had %d", j.name, pipeline.Plural(len(b), "byte"), j.room)
	case bad > 0:
		damage = fmt.Sprintf("%s is damaged: %s can't be read", j.name, pipeline.Plural(bad, "entry"))
	}
	return j, damage, nil
}

// zeros are bytes that were never written.
var zeros = make([]byte, 16)

var errDamaged = errors.New("damaged")

// isWhole reports whether a last line is complete except that its line feed is another
// byte.
func isWhole(id string, line []byte) bool {
	if len(line) == 0 {
		return false
	}
	_, ok := checkLine(id, line[:len(line)-1])
	return ok
}

// read reads the JSON of a line other than the first.
func (j *journal) read(text []byte) error {
	var line struct {
		entry
		syncMark
		roomChange
	}
	if err := json.Unmarshal(text, &line); err != nil {
		return err
	}
	if line.Room > 0 {
		j.room = line.Room
		return nil
	}
	if line.SHA256 != "" {
		j.mark = &line.syncMark
		return nil
	}
	if line.entry.Line == 0 {
		return errDamaged
	}
	was, ok := j.entries[line.entry.Line]
	j.entries[line.entry.Line] = line.entry.withBefore(was)
	if ok && was.UPN != line.entry.UPN {
		return errDamaged // one of the two is from another journal
	}
	return nil
}
