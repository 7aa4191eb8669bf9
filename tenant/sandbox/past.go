package sandbox

import (
	"sync"
	"time"

	"rollcall/tenant"
)

// A past has the users as they were before their changes, as long as a Get may show that. The
// zero value can be used, by several goroutines at once.
type past struct {
	mu     sync.Mutex
	before map[string][]version // by user, in lower case; oldest first
	all    []change             // oldest first
}

// A version is a user as it was until a change.
type version struct {
	user  user
	until time.Time
}

// A change is the user and the time of a change.
type change struct {
	who string
	at  time.Time
}

// run runs c on t. A Get shows the user as it was t.Stale ago.
func (p *past) run(t *Tenant, c *tenant.Cmdlet, a *Answer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(t.Stale)
	who := fold(c.Identity)
	if c.Reads() {
		err := t.run(c, a)
		if versions := p.before[who]; err == nil && len(versions) > 0 {
			a.user = versions[0].user
		}
		return err
	}
	u, _ := t.users.read(c.Identity)
	err := t.run(c, a)
	if err == nil && !a.unchanged {
		if p.before == nil {
			p.before = make(map[string][]version)
		}
		now := time.Now()
		p.before[who] = append(p.before[who], version{u, now})
		p.all = append(p.all, change{who, now})
	}
	return err
}

// forget drops versions that are older than stale.
func (p *past) forget(stale time.Duration) {
	for len(p.all) > 0 && time.Since(p.all[0].at) >= stale {
		who := p.all[0].who
		p.all = p.all[1:]
		if p.before[who] = p.before[who][1:]; len(p.before[who]) == 0 {
			delete(p.before, who)
		}
	}
}
