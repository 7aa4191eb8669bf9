package results

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// A fate is what a simTenant does with a user whenever it is asked. What a row
// comes to depends on that alone, whatever happens meanwhile.
type fate int

const (
	obliging    fate = iota
	missing          // there is no such user
	denied           // every cmdlet is denied
	setDenied        // every Set is
	setFailed        // every Set fails for good
	unreachable      // every Set fails for the moment
	replyLost        // every Set is carried out, and fails for the moment
	halfDenied       // every Set of the add-in is denied
	unreadable       // once the user was set, every Get fails for good
	stuck            // a Set does nothing
	fates
)

// A simUser is a user of a simTenant.
type simUser struct {
	fate   fate
	slow   int            // how many times the usual latency
	faults int            // transient ones still to come
	first  map[string]any // the values at the beginning
	values map[string]any
	shows  map[string]any // what reads show instead, until
	until  time.Time
	set    bool // a Set was carried out
	sent   bool // one has come
	unsure bool // so a process can't know, for it had no reply to one
	calls  int
	big    string // more for the error of setFailed

	settled *simProcess // that was told how the user's row ends
	at      time.Time   // when it was
	durable bool        // the row is recorded, or in the journal as done, for good
}

// A simTenant is a server: it lives on when a process is killed. Every process
// calls it by a Runner of its own, which is the simProcess.
type simTenant struct {
	t       *testing.T
	seed    uint64
	calm    bool          // no transient faults, latency or lag
	audit   bool          // all successful reads end a row
	latency time.Duration // at most, of half a call
	lag     time.Duration // for which reads show what was before a set
	wanted  map[string]map[string]string

	// In an outage no call gets through, or no reply gets back.
	outage    [2]time.Time // from and to; zero for none
	replyLost bool

	adverse bool // files are edited: it does not look at whether rows are done again
	undoing bool // sets are those of an undo
	spoilt  bool // of a file that is not what its run left

	mu    sync.Mutex // not held across a sleep, which would stop the clock
	users map[string]*simUser
	calls int
}

// chance returns a source of random numbers for the nth call about a user. It
// depends on nothing else, so that a seed fails again.
func (s *simTenant) chance(upn string, n int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, upn, n)
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}

// A reply is what a call will come to.
type reply struct {
	there, back time.Duration
	err         *tenant.Error
	effect      bool // the cmdlet is carried out, whatever err says
	unheard     bool // it is even if the caller goes away ahead of that
}

func simError(c tenant.Cmdlet, class tenant.Class, text string) *tenant.Error {
	return &tenant.Error{Op: c.Name, Object: c.Identity, Class: class, Err: errors.New(text)}
}

// begin receives a call of p, and looks for what p must not do.
func (s *simTenant) begin(p *simProcess, c tenant.Cmdlet) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	p.calls++
	p.now++
	if p.now > p.workers {
		s.t.Errorf("%d calls at once, want at most %d", p.now, p.workers)
	}
	if now := time.Now(); now.After(p.throttled) && now.Before(p.resume) {
		s.t.Errorf("%s %s: called %v into a pause, %v ahead of its end", c.Name, c.Identity, now.Sub(p.throttled), p.resume.Sub(now))
	}
	u := s.users[c.Identity]
	if s.undoing && !c.Reads() {
		s.undo(c, u)
	}
	if u == nil && s.adverse {
		return reply{err: simError(c, tenant.NotFound, "no such user")}
	}
	if u == nil {
		s.t.Errorf("%s %q: called for a row that can't be used", c.Name, c.Identity)
		return reply{err: simError(c, tenant.NotFound, "no such user")}
	}
	u.sent = u.sent || !c.Reads()
	// When there is no other row to tell by, a user is read whose row may be done, or
	// is not.
	asked := !s.outage[0].IsZero() && time.Now().After(s.outage[0])
	if asked && c.Reads() {
	} else if u.durable {
		s.t.Errorf("%s %s: called again, although what became of the row was safe", c.Name, c.Identity)
	} else if u.settled == p && !s.adverse && !asked {
		s.t.Errorf("%s %s: called again, although the row was done", c.Name, c.Identity)
	}
	if s.audit && !c.Reads() {
		s.t.Errorf("%s %s: called by an audit", c.Name, c.Identity)
	}
	u.calls++
	chance := s.chance(c.Identity, u.calls)
	r := reply{unheard: chance.IntN(2) == 0}
	if !s.calm {
		r.there = time.Duration(chance.Int64N(int64(s.latency)*int64(u.slow) + 1))
		r.back = time.Duration(chance.Int64N(int64(s.latency)*int64(u.slow) + 1))
	}
	if p.expires > 0 && p.calls >= p.expires {
		r.err, r.effect = simError(c, tenant.Unauthorized, "the token has expired"), false
		return r
	}
	r.err, r.effect = u.answer(c)
	if s.cut() {
		r.err, r.effect = unreachableTenant(c), s.replyLost && r.effect
		u.unsure = u.unsure || !c.Reads()
		return r
	}
	defer func() { u.unsure = u.unsure || !c.Reads() && r.err != nil && r.err.Class == tenant.Unavailable }()
	if !s.calm && u.faults > 0 && chance.IntN(3) == 0 {
		u.faults--
		switch chance.IntN(4) {
		case 0:
			r.err, r.effect = simError(c, tenant.Unavailable, "connection reset"), false
		case 1: // the reply is lost
			r.err = simError(c, tenant.Unavailable, "connection reset")
		case 2:
			r.err, r.effect = simError(c, tenant.Throttled, "too many"), false
		case 3:
			r.err, r.effect = simError(c, tenant.Throttled, "too many"), false
			r.err.RetryAfter = time.Duration(1+chance.IntN(30_000)) * time.Millisecond
		}
	}
	return r
}

// cut reports whether there is an outage.
func (s *simTenant) cut() bool {
	now := time.Now()
	return !now.Before(s.outage[0]) && now.Before(s.outage[1])
}

func unreachableTenant(c tenant.Cmdlet) *tenant.Error {
	e := simError(c, tenant.Unavailable, "connection refused")
	e.Unreachable = true
	return e
}

// answer returns what comes of c, but for faults of the moment, and whether it is
// carried out.
func (u *simUser) answer(c tenant.Cmdlet) (*tenant.Error, bool) {
	reads := c.Reads()
	switch {
	case u.fate == missing:
		return simError(c, tenant.NotFound, "no such user"), false
	case u.fate == denied, u.fate == setDenied && !reads:
		return simError(c, tenant.Denied, "not yours"), false
	case u.fate == halfDenied && !reads && simSets(c)["IsAddInEnabled"] != nil:
		return simError(c, tenant.Denied, "not this one"), false
	case u.fate == setFailed && !reads:
		return simError(c, tenant.Failed, "=1+1, <no> \"licence\"\r\nfor \u2028 that"+u.big), false
	case u.fate == unreachable && !reads:
		return simError(c, tenant.Unavailable, "connection reset"), false
	case u.fate == replyLost && !reads:
		return simError(c, tenant.Unavailable, "connection reset"), true
	case u.fate == unreadable && reads && u.set:
		return simError(c, tenant.Failed, "can't be read"), false
	}
	return nil, true
}

// carryOut does what c asks for.
func (s *simTenant) carryOut(c tenant.Cmdlet) []tenant.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[c.Identity]
	if u == nil {
		return nil
	}
	if c.Reads() {
		values := u.values
		if time.Now().Before(u.until) {
			values = u.shows
		}
		o := tenant.Object{"Identity": c.Identity}
		maps.Copy(o, values)
		return []tenant.Object{o}
	}
	u.set = true
	values := maps.Clone(u.values)
	sets := simSets(c)
	if mode := sets["PrivacyMode"]; mode != nil { // which moves the features
		for _, feature := range simFeatures {
			values[feature] = mode == "opt-in"
		}
	}
	maps.Copy(values, sets)
	if u.fate == stuck || maps.Equal(values, u.values) {
		return nil
	}
	// What only moves is read as it is, be it late: nobody waits for that alone.
	late := false
	for name, v := range sets {
		late = late || !strings.EqualFold(tenant.Text(u.values[name]), tenant.Text(v))
	}
	if late && !s.calm && u.fate != halfDenied { // of which what is so is read only once
		u.shows, u.until = maps.Clone(u.values), time.Now().Add(s.lag)
	}
	u.values = values
	return nil
}

// simSets returns the values that a Set is about, by property.
func simSets(c tenant.Cmdlet) map[string]any {
	sets := make(map[string]any)
	for i, p := range c.Parameters {
		switch p.Name {
		case "PrivacyMode":
			sets["PrivacyMode"] = p.Value
		case "Feature":
			sets[simFeatures[p.Value]] = c.Parameters[i+1].Value
		}
	}
	return sets
}

// simFeatures are the properties of the features, by their names.
var simFeatures = map[any]string{"dashboard": "IsDashboardEnabled", "add-in": "IsAddInEnabled", "digest-email": "IsDigestEmailEnabled"}

// end sends p the reply to c.
func (s *simTenant) end(p *simProcess, c tenant.Cmdlet, began time.Time, objects []tenant.Object, r reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, u := time.Now(), s.users[c.Identity]
	switch {
	case r.err == nil && u != nil && c.Reads():
		// Of an outage it is not known whether it was the row that asked.
		if asked := !s.outage[0].IsZero() && now.After(s.outage[0]); !asked && (s.audit || s.asWanted(c.Identity, objects[0])) {
			u.settled, u.at = p, now
		}
	case r.err != nil && r.err.RetryAfter > 0:
		p.resume = later(p.resume, now.Add(r.err.RetryAfter))
		p.throttled = now
	case r.err != nil && r.err.Class == tenant.Throttled:
		// How long a pause is to be expected when the tenant does not say so
		// is only known if there was none already.
		if began.After(p.throttled) {
			p.resume = later(p.resume, now.Add(500*time.Millisecond))
		}
		p.throttled = now
	}
}

// lose notes that a reply to c did not get back.
func (s *simTenant) lose(c tenant.Cmdlet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[c.Identity]; u != nil && !c.Reads() {
		u.unsure = true
	}
}

// asWanted reports whether o has the values that are wanted of a user.
func (s *simTenant) asWanted(upn string, o map[string]any) bool {
	for name, want := range s.wanted[upn] {
		if !strings.EqualFold(tenant.Text(o[name]), want) {
			return false
		}
	}
	return true
}

// Run makes one call of p to its tenant.
func (p *simProcess) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	p.event()
	began := time.Now()
	var r reply
	if err := p.alive(func() error { r = p.tenant.begin(p, c); return nil }); err != nil {
		return nil, err
	}
	defer func() {
		p.tenant.mu.Lock()
		defer p.tenant.mu.Unlock()
		p.now--
	}()
	if err := simSleep(ctx, r.there); err != nil {
		if r.effect && r.unheard {
			p.tenant.carryOut(c)
		}
		return nil, err
	}
	var objects []tenant.Object
	if r.effect {
		objects = p.tenant.carryOut(c)
	}
	p.event()
	if err := simSleep(ctx, r.back); err != nil {
		return nil, err
	}
	err := p.alive(func() error {
		if p.tenant.cut() { // on the way back
			p.tenant.lose(c)
			r.err = unreachableTenant(c)
		}
		p.tenant.end(p, c, began, objects, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if r.err != nil {
		return nil, r.err
	}
	return objects, nil
}

// simSleep waits for d, or until ctx ends.
func simSleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// simRows reads rows as a [roster.Reader] does: into the same cells.
type simRows struct{ left []roster.Row }

func (r *simRows) Read(row *roster.Row) error {
	if len(r.left) == 0 {
		return io.EOF
	}
	next := r.left[0]
	r.left = r.left[1:]
	next.Cells = append(row.Cells[:0], next.Cells...)
	*row = next
	return nil
}

// simRoster makes up n rows with three cells: the UPN, the mode that is wanted,
// and whatever.
func simRoster(chance *rand.Rand, n int, byColumn bool) []roster.Row {
	var rows []roster.Row
	line := 2
	for i := range n {
		row := roster.Row{Line: line, UPN: fmt.Sprintf("user%d@contoso.com", i)}
		if i%7 == 3 {
			row.UPN = fmt.Sprintf("o'user_%d@contoso.com", i)
		}
		mode := simPick(chance, "opt-out", "opt-out", "OptOut", "opt-in")
		if byColumn && chance.IntN(10) == 0 {
			mode = simPick(chance, "", "neither")
		}
		switch {
		case chance.IntN(12) == 0:
			row.UPN = simPick(chance, "", "no domain", "a,\"b\"")
			row.Verdict, row.Reason = roster.Invalid, "not a UPN"
		case i > 0 && chance.IntN(12) == 0:
			of := rows[chance.IntN(i)]
			row.UPN, row.Verdict, row.Reason = of.UPN, roster.Duplicate, fmt.Sprintf("as line %d", of.Line)
			if of.Verdict == roster.Invalid {
				row.Verdict = roster.Invalid
			}
		case chance.IntN(40) == 0:
			row.Verdict, row.Reason = roster.Conflict, "wanted another way on another line"
			row.UPN = fmt.Sprintf("torn%d@contoso.com", i)
		}
		row.Cells = []string{row.UPN, mode, simPick(chance, "", "x", " a, \"b\"", "two\nlines", "=1+1", "\r\n", strings.Repeat("long ", 40))}
		rows = append(rows, row)
		line += 1 + chance.IntN(3)
	}
	return rows
}

func simPick[T any](chance *rand.Rand, of ...T) T { return of[chance.IntN(len(of))] }

// simUsers makes up what the users of rows are, and what becomes of them.
func simUsers(chance *rand.Rand, rows []roster.Row, wanted map[string]map[string]string, big bool) map[string]*simUser {
	users := make(map[string]*simUser)
	trouble := chance.IntN(60)
	for i, row := range rows {
		if wanted[row.UPN] == nil || users[row.UPN] != nil {
			continue
		}
		u := &simUser{slow: 1, faults: max(0, chance.IntN(7)-2), first: map[string]any{
			"PrivacyMode":        simPick(chance, "opt-in", "opt-in", "opt-in", "Opt-Out"),
			"IsDashboardEnabled": chance.IntN(4) > 0, "IsAddInEnabled": chance.IntN(4) > 0, "IsDigestEmailEnabled": chance.IntN(4) > 0,
		}}
		if chance.IntN(100) < trouble {
			u.fate = fate(chance.IntN(int(fates)))
		}
		if chance.IntN(8) == 0 {
			u.slow = 50
		}
		if big {
			// A journal that grows until it is written anew, while a few rows
			// hold back what comes behind them.
			u.fate, u.big = setFailed, strings.Repeat("!", 80_000)
			u.first["PrivacyMode"], u.first["IsDashboardEnabled"] = "opt-in", true
			if i%10 == 0 {
				u.fate, u.slow = simPick(chance, obliging, stuck), 10+2*i
			}
		}
		u.values = maps.Clone(u.first)
		users[row.UPN] = u
	}
	return users
}

// simChanges are the changes that are made: of one value for all, of one value
// from a column, and of two values by a cmdlet each.
var simChanges = [][]string{{"PrivacyMode=opt-out"}, {"PrivacyMode=@Mode"}, {"IsDashboardEnabled=false", "IsAddInEnabled=false"}}

// simWanted returns the values that are wanted, by user, of rows that can be
// used.
func simWanted(rows []roster.Row, change []string) map[string]map[string]string {
	wanted := make(map[string]map[string]string)
	for _, row := range rows {
		switch mode := row.Cells[1]; {
		case row.Verdict != roster.Usable:
		case len(change) == 2:
			wanted[row.UPN] = map[string]string{"IsDashboardEnabled": "false", "IsAddInEnabled": "false"}
		case change[0] == "PrivacyMode=opt-out" || mode == "OptOut":
			wanted[row.UPN] = map[string]string{"PrivacyMode": "opt-out"}
		case mode == "opt-out" || mode == "opt-in":
			wanted[row.UPN] = map[string]string{"PrivacyMode": mode}
		}
	}
	return wanted
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func simColumn(name string) (int, error) { return slices.Index(simHeader, name), nil }

var simHeader = []string{"UserPrincipalName", "Mode", "Status"}
