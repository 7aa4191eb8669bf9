package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/term"

	"rollcall/pipeline/fleet/queue"
	"rollcall/report"
)

// showChanges shows how far a fleet is until it has ended: on a terminal as a table that
// is drawn again in its place, elsewhere as a line for each tenant that has come to
// another state.
func showChanges(ctx context.Context, a *app, q *queue.Queue, id string) error {
	screen, was := newScreen(a.out), make(changes)
	var werr error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := watchFleet(ctx, a, q, id, func(s *report.FleetStatus, _ *queue.FleetState) {
		if screen != nil {
			if len(s.Tenants) > screen.height()-fleetStatusLines {
				s.SortByNeed()
			}
			werr = screen.draw(func(w io.Writer) error { return report.FleetStatusText(w, s) })
		} else {
			werr = was.writeTenants(a.out, s)
		}
		if werr != nil { // standard output is closed
			cancel()
		}
	})
	if werr != nil {
		return werr
	}
	return err
}

// showAllChanges is showChanges for all fleets of a server.
func showAllChanges(ctx context.Context, a *app, q *queue.Queue, list *fleetList) error {
	screen, was := newScreen(a.out), make(changes)
	return poll(ctx, a, q, func(ctx context.Context) (ended bool, err error) {
		fleets, err := list.all(ctx)
		if err != nil {
			return false, &pollError{err}
		}
		if screen != nil {
			err = screen.draw(func(w io.Writer) error { return report.FleetListText(w, fleets) })
		} else {
			err = was.writeFleets(a.out, fleets)
		}
		return !slices.ContainsFunc(fleets, func(s *report.FleetStatus) bool { return !s.Ended() }), err
	})
}

// changes are the states that were written last, by name.
type changes map[string]string

// isNew reports whether a state is another than that which was written last.
func (c changes) isNew(name, state string) bool {
	old, ok := c[name]
	c[name] = state
	return !ok || old != state
}

// writeTenants writes the tenants of a fleet that have come to another state.
func (c changes) writeTenants(out io.Writer, s *report.FleetStatus) error {
	var b bytes.Buffer
	for i := range s.Tenants {
		if t := &s.Tenants[i]; c.isNew(t.Name, t.End()+" "+t.Worker+" "+t.Reason+" "+s.Silence(t)) {
			fmt.Fprintln(&b, report.FleetTenantText(s, t))
		}
	}
	if s.Ended() {
		fmt.Fprintln(&b, report.FleetSumText(s))
	}
	_, err := b.WriteTo(out)
	return err
}

// writeFleets writes the fleets that have come to another state.
func (c changes) writeFleets(out io.Writer, fleets []*report.FleetStatus) error {
	var b bytes.Buffer
	for _, s := range fleets {
		if c.isNew(s.ID, fmt.Sprint(s.State, s.Count)) {
			fmt.Fprintf(&b, "%s: %s; %s\n", s.ID, s.State, report.FleetSumText(s))
		}
	}
	_, err := b.WriteTo(out)
	return err
}

// A fleetScreen is a terminal on which a text is drawn in the place of the one before.
type fleetScreen struct {
	out   *os.File
	lines int // of what is drawn
}

// newScreen returns one on out, or nil if that is none.
func newScreen(out io.Writer) *fleetScreen {
	if !takesSequences(out) {
		return nil
	}
	return &fleetScreen{out: out.(*os.File)}
}

// fleetStatusLines are the lines of a screen beside those of tenants: two above, the sum
// and the cursor.
const fleetStatusLines = 4

// height returns how many lines the terminal has.
func (s *fleetScreen) height() int {
	if _, height, err := term.GetSize(int(s.out.Fd())); err == nil && height > 0 {
		return height
	}
	return 24
}

// draw draws what write writes.
func (s *fleetScreen) draw(write func(io.Writer) error) error {
	width, height, err := term.GetSize(int(s.out.Fd()))
	if err != nil || width <= 0 {
		width, height = 80, 24
	}
	var b, text bytes.Buffer
	if err := write(&text); err != nil {
		return err
	}
	if s.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", s.lines)
	}
	s.lines = report.Fit(&b, text.String(), width, height)
	_, err = b.WriteTo(s.out)
	return err
}
