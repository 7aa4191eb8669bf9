package powershell

import "sync"

// maxRefusals is how many 401 in a row, with no cmdlet carried out between them, mean
// that the service no longer accepts us.
const maxRefusals = 5

// Refusals find out what a 401 means: that the service answers so about one user, or
// that it no longer accepts us. In the first case cmdlets for other users succeed.
type refusals struct {
	mu          sync.Mutex
	users       map[string]bool // who has been refused, ever
	consecutive map[string]bool // who has been refused by new sessions since a cmdlet was last carried out
	count       int             // how many such refusals there were
	served      bool            // a cmdlet has been carried out, ever
}

// recordServed records that a cmdlet was carried out.
func (r *refusals) recordServed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.consecutive)
	r.count, r.served = 0, true
}

// recordRefused records a 401 for user, in a session that the service has accepted
// before or not. Renew means that a new session may help; final, that none
// will. Otherwise the call may be tried again in any session.
func (r *refusals) recordRefused(user string, accepted bool) (renew, final bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users == nil {
		r.users, r.consecutive = make(map[string]bool), make(map[string]bool)
	}
	first := !r.users[user]
	r.users[user] = true
	if accepted {
		return first, false
	}
	r.consecutive[user] = true
	r.count++
	return false, len(r.consecutive) >= maxRefusals || !r.served && r.count >= maxRefusals
}
