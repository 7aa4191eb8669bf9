package powershell

import "sync"

// maxRefusals is how often a 401 is taken for one user's, when nobody is served.
const maxRefusals = 5

// Refusals tell a user whom the service answers with 401, whoever asks, from a
// caller whom it no longer accepts: others are served in the first case.
type refusals struct {
	mu     sync.Mutex
	users  map[string]bool // who has been refused, ever
	row    map[string]bool // who has been refused by sessions that are new, and nobody was served since
	count  int             // how often that was
	served bool            // somebody has been served, ever
}

// serve records that someone was served.
func (r *refusals) serve() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.row)
	r.count, r.served = 0, true
}

// refuse records that user was refused, by a session that has served others or
// by one that is new. Renew says that a new session may help; final, that none
// will. Otherwise the same may be asked again, of any session.
func (r *refusals) refuse(user string, proved bool) (renew, final bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users == nil {
		r.users, r.row = make(map[string]bool), make(map[string]bool)
	}
	first := !r.users[user]
	r.users[user] = true
	if proved {
		return first, false
	}
	r.row[user] = true
	r.count++
	return false, len(r.row) >= maxRefusals || !r.served && r.count >= maxRefusals
}
