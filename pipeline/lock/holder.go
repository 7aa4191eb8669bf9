package lock

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A Holder is the content of a lock file, in JSON: the run that has the lock.
type Holder struct {
	PID     int       `json:"pid"`
	User    string    `json:"user,omitempty"`
	Host    string    `json:"host,omitempty"`
	Since   time.Time `json:"since"`
	Command string    `json:"command,omitempty"`
	Rows    int       `json:"rows"` // rows done, up to some seconds ago
}

func newHolder(command string) Holder {
	h := Holder{PID: os.Getpid(), Since: time.Now().UTC().Truncate(time.Second), Command: truncate(command)}
	h.Host, _ = os.Hostname()
	if u, err := user.Current(); err == nil {
		h.User = u.Username
	} else if id := os.Getuid(); id >= 0 {
		h.User = strconv.Itoa(id)
	}
	return h
}

// maxText is the longest text in a Holder, in bytes.
const maxText = 255

func truncate(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxText)], "") }

// write writes h to file. If the text before was longer, its end stays behind the JSON,
// where no reader looks.
func (h Holder) write(file *os.File) {
	if b, err := json.Marshal(h); err == nil {
		file.WriteAt(append(b, '\n'), 0)
	}
}

// readHolder returns the Holder in the lock file at path, or nil if the file has no valid
// one: it may be half written, or written by any program.
func readHolder(path string) *Holder {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil
	}
	defer file.Close()
	var h Holder
	err = json.NewDecoder(io.LimitReader(file, 4096)).Decode(&h)
	if err != nil || h.PID <= 0 || h.Since.IsZero() || h.Rows < 0 {
		return nil
	}
	for _, text := range []*string{&h.User, &h.Host, &h.Command} {
		if len(*text) > maxText {
			return nil
		}
		*text = printable(*text)
	}
	return &h
}

// printable returns text as it can go to a terminal.
func printable(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

func (h *Holder) String() string {
	text := fmt.Sprintf("pid %d", h.PID)
	if h.Host != "" {
		text += " on host " + h.Host
	}
	if h.User != "" {
		text += ", user " + h.User
	}
	text += ", since " + h.Since.UTC().Format(time.RFC3339)
	switch h.Rows { // there may be more by now
	case 0: // or it has not said so yet
	case 1:
		text += ", at least 1 row done"
	default:
		text += fmt.Sprintf(", at least %d rows done", h.Rows)
	}
	if h.Command != "" {
		text += " (" + h.Command + ")"
	}
	return text
}

// A HeldError says that another run has the lock.
type HeldError struct {
	File   File
	Holder *Holder // nil if it could not be found out

	// Orphaned reports that the holder has ended, and that the lock is held by
	// what it started.
	Orphaned bool
}

func newHeldError(f File) *HeldError {
	e := &HeldError{File: f, Holder: readHolder(f.Path)}
	if e.Holder != nil {
		host, err := os.Hostname()
		e.Orphaned = err == nil && e.Holder.Host == host && hasEnded(e.Holder.PID)
	}
	return e
}

// IsBy reports whether the holder is a run of command.
func (e *HeldError) IsBy(command string) bool {
	return e.Holder != nil && e.Holder.Command == printable(truncate(command))
}

func (e *HeldError) Error() string {
	text := e.File.What + " is held by another run"
	if e.Holder != nil {
		text += ": " + e.Holder.String()
	}
	if e.Orphaned {
		text += "; that process has ended, and one that it started is still at work"
	}
	return text
}
