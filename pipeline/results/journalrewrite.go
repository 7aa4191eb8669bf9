package results

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rollcall/tenant/disk"
)

// journalRoom is the least size of a journal. The file gets its size before it is written
// to, so that a journal that was cut can be told by its size. When it is full, it is
// written anew without the entries of rows that are recorded.
const journalRoom = 1 << 20

// rewrite replaces the file by a new one without entries of recorded rows. If it is cut
// short, either the old or the new file is there as a whole. After an error the old file
// is still in use, unless f is nil. No goroutine may be syncing.
func (j *journal) rewrite() error {
	var b bytes.Buffer
	put := func(v any) error {
		line, err := journalLine(j.manifest.ID, v)
		b.Write(line)
		return err
	}

	for _, e := range j.entries {
		if err := put(e); err != nil {
			return err
		}
	}
	if j.mark != nil {
		if err := put(j.mark); err != nil {
			return err
		}
	}
	head := journalHead{Version: journalVersion, Manifest: j.manifest, Room: max(journalRoom, 2*int64(b.Len())+journalRoom/2)}
	line, err := journalLine("", head)
	if err != nil {
		return err
	}
	f, err := createBeside(j.name + ".new")
	if err != nil {
		return err
	}
	size := int64(len(line) + b.Len())
	if err = f.Truncate(head.Room); err == nil {
		_, err = f.WriteAt(append(line, b.Bytes()...), 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = j.replaceBy(f.Name())
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	j.size, j.room, j.buf, j.synced = size, head.Room, j.buf[:0], j.added
	return nil
}

// restore writes the file anew if another program has removed it: what it has is in memory,
// too. It is an error if another file has its name, and [ErrLost] if its directory is gone.
func (j *journal) restore() error {
	there, err := os.Stat(j.name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = j.rewrite(); errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("write %s: another program removed its directory: %w", j.name, ErrLost)
		}
		return err
	}
	own, oerr := j.f.Stat()
	if err = errors.Join(err, oerr); err == nil && !os.SameFile(own, there) {
		err = fmt.Errorf("write %s: another program replaced it", j.name)
	}
	return err
}

// replaceBy replaces the journal's file by the one called name. After an error the old
// file is still in use, unless f is nil.
func (j *journal) replaceBy(name string) error {
	began := j.f != nil
	if began {
		j.f.Close() // Windows renames no open file
		j.f = nil
	}
	err := disk.Rename(name, j.name)
	renamed := err == nil
	if renamed {
		err = disk.SyncDir(filepath.Dir(j.name))
	} else {
		err = fmt.Errorf("replace %s: %w", j.name, disk.Cause(err))
	}
	if err == nil || began && !renamed {
		f, oerr := disk.OpenFile(j.name, os.O_RDWR, 0)
		if oerr != nil {
			return oerr
		}
		j.f = f
	}
	return err
}

// A roomChange is a line with the new size of the file.
type roomChange struct {
	Room int64 `json:"room"`
}

// roomLine is the most bytes that such a line takes. There is always room left for it.
const roomLine = 64

// extend makes the file larger. If it is killed in between, the file is larger than its
// lines say, which does no harm.
func (j *journal) extend() error {
	more := roomChange{j.room + journalRoom + 2*int64(len(j.buf))}
	line, err := journalLine(j.manifest.ID, more)
	if err != nil {
		return err
	}
	if err := j.f.Truncate(more.Room); err != nil {
		return err
	}
	if _, err := j.f.WriteAt(line, j.size); err != nil {
		return err
	}
	j.size += int64(len(line))
	j.room = more.Room
	return nil
}
