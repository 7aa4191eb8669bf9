package main

import (
	"errors"
	"fmt"
	"strings"

	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
	"rollcall/report"
)

// sameTenant refuses to undo what was done on another tenant.
func (x *execution) sameTenant() error {
	m := x.source.Manifest()
	if !x.undo || m == nil || m.Where.Same(x.job.tenant.record()) {
		return nil
	}
	return fmt.Errorf("undo %s: its run was on the %s, and this is the %s", x.input.name, m.Tenant, x.conn.Name)
}

// open opens the roster.
func (x *execution) open() (*roster.Roster, error) {
	o, err := x.roster.options(x.change)
	if err != nil {
		return nil, err
	}
	if x.undo {
		o.Skip, o.Want = x.source.Unchanged, x.source.Undoable(x.change)
	}
	var users *roster.Roster
	if past := x.past(); past != nil && past.Fed() {
		in, err := past.Open(x.undo)
		if err != nil {
			return nil, err
		}
		defer in.Close()
		users, err = roster.Read(x.input.name, in, o)
		return users, x.cantUndo(err)
	}
	if x.input.once != nil {
		users, err = roster.Read(x.input.title(), x.input.once, o)
	} else {
		users, err = roster.Open(x.input.name, nil, o)
	}
	if errors.Is(err, errInterrupted) {
		return nil, errInterrupted
	}
	return users, x.cantUndo(optionError(err))
}

// past returns what stands beside the roster, if it is a file of ours, or nil.
func (x *execution) past() *results.Past {
	if x.source == nil || x.source.Past == nil {
		return nil
	}
	return x.source.Past
}

// tellPast says of which run a roster of ours is, and what is not certain of it.
func (x *execution) tellPast() {
	past := x.past()
	if past == nil {
		return
	}
	say := x.app.console
	if m := past.Manifest; m != nil {
		text := fmt.Sprintf("%s: of the %s of %s on the %s", past.Name, m.Kind(), m.Change, m.Tenant)
		if past.By != "" {
			text += ", " + past.By
		}
		say.Say("%s: %s", text, report.CountsText(&past.Counts))
		for _, line := range report.Unfinished(&past.Counts, m.Kind() != "audit") {
			say.Say("%s: %s", past.Name, line)
		}
	} else if past.Unknown && x.undo {
		say.Warn("warning: %s: no summary stands beside it: whether all users of its run are in it is not known", past.Name)
	}
	for _, doubt := range past.Doubts {
		say.Warn("warning: %s", doubt)
	}
}

// cantUndo adds to the error of a roster what to do if it is that nothing in it
// can be put back.
func (x *execution) cantUndo(err error) error {
	if err == nil || !x.undo || !strings.Contains(err.Error(), results.ErrNoBefore.Error()) {
		return err
	}
	return &exit{status: exitError, err: err,
		hint: "apply records the values before with --read-first, or when it is given the diff of an audit"}
}

// leftChanged returns err, of an undo that was carried out, or why it can't be
// said that nobody is left changed.
func (x *execution) leftChanged(err error) error {
	if !x.undo {
		return err
	}
	doubts := x.source.Doubts(x.users.Description().Rows)
	if len(doubts) == 0 {
		return err
	}
	return &exit{status: exitRows, err: fmt.Errorf("undo %s: users may be left changed: %s", x.input.name, strings.Join(doubts, "; "))}
}
