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

// journalVersion is the version of what follows. A journal of another one is not
// read.
const journalVersion = 3

// A journalHead is the first line of a journal.
type journalHead struct {
	Version  int      `json:"journal"`
	Manifest Manifest `json:"manifest"`
	Room     int64    `json:"room"` // the size of the file
}

// journalLine returns v as a line of the journal of a life of a run: a checksum in
// eight hexadecimal digits, a blank, JSON, and a line feed. The checksum is the
// CRC-32C of the life's ID and the JSON, so that no line of another journal passes
// for one of this. The first line, which says the ID, is of no life.
func journalLine(life string, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", checksum(life, text), text), nil
}

func checksum(life string, text []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(life), castagnoli), castagnoli, text)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checkLine returns the JSON of a line, and whether it is as that life wrote it.
func checkLine(life string, line []byte) (text []byte, ok bool) {
	const sum = 8
	if len(line) < sum+1 || line[sum] != ' ' {
		return nil, false
	}
	var want [4]byte
	if _, err := hex.Decode(want[:], line[:sum]); err != nil {
		return nil, false
	}
	text = line[sum+1:]
	got := checksum(life, text)
	return text, want == [4]byte{byte(got >> 24), byte(got >> 16), byte(got >> 8), byte(got)}
}

// readJournal reads the journal of the results file called name: a [journalHead],
// then entries and marks, then zeros. It returns an error that is
// [fs.ErrNotExist] if there is none.
//
// What was being written when a process was killed, or the power cut, is a last
// line without its end: it was not acted on, and is dropped. Any other line that
// is not as it was written is left out, and then, or if the file was cut, damage
// says so: some rows may have been set that the journal does not have.
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

// zeros are how what was never written looks.
var zeros = make([]byte, 16)

var errDamaged = errors.New("damaged")

// isWhole reports whether a last line is all there but for a line feed that is
// another byte.
func isWhole(life string, line []byte) bool {
	if len(line) == 0 {
		return false
	}
	_, ok := checkLine(life, line[:len(line)-1])
	return ok
}

// read takes in the text of a line that is not the first.
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
		return errDamaged // one of them is of another journal
	}
	return nil
}
