package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"

	"rollcall/pipeline"
	"rollcall/tenant/disk"
)

// A Restoration is what [Restore] found.
type Restoration struct {
	Messages int    // in the log
	Damage   string // what is wrong with them, or ""
}

// Restore makes the journal of the results file called name from the messages that earlier
// executions have appended to a [Log], in their order, so that [Resume] makes that file
// again with every record as it was. There must be neither the file nor anything beside it.
// If there are no messages, it makes nothing.
//
// A line that is not valid is left out, and a message may be missing: then Damage says so,
// and users whom the journal does not have may have been set. Whether messages are missing
// after the last one can't be seen.
func Restore(name string, messages iter.Seq2[[]byte, error]) (*Restoration, error) {
	if !IsFree(name) {
		return nil, fmt.Errorf("restore %s: it is there, or its journal or summary is", name)
	}
	r := &restorer{journal: newJournal(name, Manifest{})}
	for m, err := range messages {
		if err == nil {
			err = r.read(m)
		}
		if err != nil {
			return nil, fmt.Errorf("restore %s: %w", name, err)
		}
	}
	switch {
	case r.last == 0 && r.bad == 0:
		return &Restoration{}, nil
	case r.journal.manifest.ID == "":
		return nil, fmt.Errorf("restore %s: its log has messages, but not the first of a run", name)
	}
	found := &Restoration{Messages: r.last}
	if r.bad > 0 {
		found.Damage = fmt.Sprintf("the log of %s is damaged: %s missing or not valid", name, pipeline.Plural(r.bad, "entry"))
		r.journal.manifest.Unsure = r.journal.manifest.Rows
	}
	err := r.journal.rewrite()
	if cerr := r.journal.close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("restore %s: %w", name, err)
	}
	return found, nil
}

// RemoveRestored removes what Restore made for the results file called name.
func RemoveRestored(name string) { disk.Remove(journalName(name)) }

// A restorer reads messages of a Log into a journal.
type restorer struct {
	*journal
	last  int    // number of the last message
	bad   int    // lines and messages that are missing or not valid
	piece []byte // the pieces of a line so far
}

// read reads a message. It returns an error if it is one of another run.
func (r *restorer) read(m []byte) error {
	head, rest, ended := bytes.Cut(m, []byte("\n"))
	if !ended {
		head = nil
	}
	if err := r.readHead(head); err != nil {
		return err
	}
	for len(rest) > 0 {
		var line []byte
		line, rest, ended = bytes.Cut(rest, []byte("\n"))
		text, ok := checkLine(r.manifest.ID, line)
		if !ok || !ended || r.readLine(text) != nil {
			r.bad++
		}
	}
	return nil
}

// readHead reads the first line of a message.
func (r *restorer) readHead(line []byte) error {
	var head messageHead
	text, ok := checkLine("", line)
	if ok && json.Unmarshal(text, &head) == nil && head.Manifest != nil {
		if head.Version != journalVersion {
			return fmt.Errorf("message %d: another version of rollcall made it (journal %d, want %d)", head.Message, head.Version, journalVersion)
		}
		if r.manifest.ID != "" {
			if err := head.Manifest.differ(r.manifest); err != nil {
				return fmt.Errorf("message %d: %w", head.Message, err)
			}
		}
		r.manifest, r.piece = *head.Manifest, nil
	} else if text, ok = checkLine(r.manifest.ID, line); !ok || json.Unmarshal(text, &head) != nil {
		r.bad++
		r.last++
		return nil
	}
	if head.Message != r.last+1 {
		r.bad++
	}
	r.last = head.Message
	return nil
}

// readLine reads the JSON of another line.
func (r *restorer) readLine(text []byte) error {
	var line linePiece
	if err := json.Unmarshal(text, &line); err != nil {
		return err
	}
	if line.Piece == nil {
		return r.journal.read(text)
	}
	r.piece = append(r.piece, line.Piece...)
	if line.More {
		return nil
	}
	text, ok := checkLine(r.manifest.ID, bytes.TrimSuffix(r.piece, []byte("\n")))
	r.piece = nil
	if !ok {
		return errDamaged
	}
	return r.journal.read(text)
}
