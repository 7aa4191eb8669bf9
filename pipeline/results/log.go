package results

import (
	"fmt"
	"sync"

	"rollcall/pipeline"
)

// A Log keeps, away from this machine, what is needed to make a results file and its
// journal again: see [Restore].
type Log interface {
	// Append adds a message after the last one, and returns when it can't be lost. It is
	// called by one goroutine at a time, also after the job was told to end, and may keep
	// the message. After an error it is not called again, and the run ends without
	// another set: another machine may have taken the job over.
	Append(message []byte) error
}

// maxMessage is the most bytes of a message.
const maxMessage = 256 << 10

// A messageHead is the first line of a message. The first message of an execution has its
// manifest, and the checksum that the first line of a journal has.
type messageHead struct {
	Message  int       `json:"message"` // its number in the Log, from 1
	Version  int       `json:"journal,omitempty"`
	Manifest *Manifest `json:"manifest,omitempty"`
}

// A linePiece is a part of a line that is too long for one message. The others are in the
// messages that follow.
type linePiece struct {
	Piece []byte `json:"piece"`
	More  bool   `json:"more,omitempty"` // it is not the last one
}

// pieceSize is the most bytes of a line in one piece, which base64 makes larger by a third.
const pieceSize = maxMessage / 2

// A logWriter writes what a run did to a Log: lines like those of a journal, as many as
// fit in a message. It has the result of every row, recorded or not. It is a
// [pipeline.ResultLog].
type logWriter struct {
	log Log
	id  string // of the manifest

	mu        sync.Mutex
	appended  sync.Cond // appending has become false
	messages  int       // made so far
	pending   []message // not appended yet; lines are added to the last one
	added     int       // lines added so far
	committed int       // how many of them can't be lost
	appending bool
	err       error // why nothing more can be appended
}

type message struct {
	text  []byte
	added int // the lines that are added up to the end of it
}

// UseLog makes the file write to log, which has so many messages already, when it begins.
func (r *File) UseLog(log Log, messages int) {
	r.log = &logWriter{log: log, messages: messages}
	r.log.appended.L = &r.log.mu
}

// ResultLog returns the log for the run that writes the file, or nil.
func (r *File) ResultLog() pipeline.ResultLog {
	if r.log == nil {
		return nil
	}
	return r.log
}

// begin appends the manifest of the execution.
func (l *logWriter) begin(m Manifest) error {
	l.id = m.ID
	head, err := journalLine("", messageHead{l.messages + 1, journalVersion, &m})
	if err != nil {
		return err
	}
	if len(head) > maxMessage {
		return fmt.Errorf("append to the log: the change takes %d bytes, and a message has room for %d", len(head), maxMessage)
	}
	l.mu.Lock()
	l.messages++
	l.added++
	l.pending = append(l.pending, message{head, l.added})
	l.mu.Unlock()
	return l.Commit(1)
}

// Finished adds the result of a row.
func (l *logWriter) Finished(r *pipeline.Result) { l.add(doneEntry(r)) }

// Accepted adds that the set of a row was accepted.
func (l *logWriter) Accepted(r *pipeline.Result) {
	e := beforeEntry(r)
	e.Accepted = true
	l.add(e)
}

// Added returns the number of lines added so far.
func (l *logWriter) Added() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.added
}

// add adds e, and returns the number of lines added so far.
func (l *logWriter) add(e entry) int {
	line, err := journalLine(l.id, e)
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(line) > pieceSize && err == nil {
		var piece []byte
		piece, err = journalLine(l.id, linePiece{line[:pieceSize], true})
		l.put(piece)
		if line = line[pieceSize:]; len(line) <= pieceSize && err == nil {
			line, err = journalLine(l.id, linePiece{line, false})
			break
		}
	}
	if err != nil {
		l.err = err
	}
	l.put(line)
	l.added++
	l.pending[len(l.pending)-1].added = l.added
	return l.added
}

// put adds a line to the last message, or to a new one if it has no room.
func (l *logWriter) put(line []byte) {
	if n := len(l.pending); n == 0 || len(l.pending[n-1].text)+len(line) > maxMessage {
		l.messages++
		head, err := journalLine(l.id, messageHead{Message: l.messages})
		if err != nil {
			l.err = err
		}
		l.pending = append(l.pending, message{text: head})
	}
	m := &l.pending[len(l.pending)-1]
	m.text = append(m.text, line...)
}

// Commit returns when the first n lines can't be lost. The first caller appends the lines
// of all callers, and the others wait.
func (l *logWriter) Commit(n int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.err == nil && l.committed < n {
		if l.appending {
			l.appended.Wait()
			continue
		}
		m := l.pending[0]
		l.pending = l.pending[1:]
		l.appending = true
		l.mu.Unlock()
		err := l.log.Append(m.text)
		l.mu.Lock()
		l.appending = false
		if err != nil {
			l.err = fmt.Errorf("append to the log: %w", err)
		} else {
			l.committed = max(l.committed, m.added)
		}
		l.appended.Broadcast()
	}
	return l.err
}

// flush commits all that was added. A nil logWriter has nothing to commit.
func (l *logWriter) flush() error {
	if l == nil {
		return nil
	}
	return l.Commit(l.Added())
}
