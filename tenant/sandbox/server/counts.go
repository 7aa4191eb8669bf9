package server

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

// Counts are the numbers of requests to a [Server], and of its replies.
type Counts struct {
	Requests       int            `json:"requests"`       // of any kind, those refused too; not those for tokens
	Cmdlets        map[string]int `json:"cmdlets"`        // requests and parts of batches to run each cmdlet, by name, but for [getSettings]; pages after the first don't count
	UsersSet       int            `json:"usersSet"`       // users for whom a Set succeeded at least once
	Failed         int            `json:"failed"`         // cmdlets that the tenant failed
	Faults         map[string]int `json:"faults"`         // faults that befell, by name
	Throttled      int            `json:"throttled"`      // cmdlets refused for rate
	TooMany        int            `json:"tooMany"`        // requests refused because of how many there were at once
	RefusedTokens  int            `json:"refusedTokens"`  // requests and parts of batches refused for their token
	Malformed      int            `json:"malformed"`      // requests and parts of batches that were not of the protocol
	MostAtOnce     int            `json:"mostAtOnce"`     // the most requests in progress at one time
	Batches        int            `json:"batches"`        // requests that were a batch
	Discoveries    int            `json:"discoveries"`    // requests for the path of Viva Insights, which no other number has
	IssuedTokens   int            `json:"issuedTokens"`   // tokens given to who signed in
	RefusedSignIns int            `json:"refusedSignIns"` // requests for a token that got none, those of faults too; not those told to wait
}

// getSettings is the name under which a GET of a user's settings is counted:
// Get-MyAnalyticsFeatureConfig and Get-VivaInsightsSettings are the same request.
const getSettings = "GET settings"

// String returns c as lines for people, the same for the same counts.
func (c Counts) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(n int, what string) { fmt.Fprintf(w, "%d\t  %s\n", n, what) }
	lines := func(counts map[string]int, prefix string) {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			line(counts[name], prefix+name)
		}
	}
	line(c.Requests, "requests")
	line(c.Batches, "batches")
	line(c.Discoveries, "autodiscover")
	lines(c.Cmdlets, "")
	line(c.UsersSet, "users set")
	line(c.Failed, "failed")
	lines(c.Faults, "fault ")
	line(c.Throttled, "throttled")
	line(c.TooMany, "too many at once")
	line(c.RefusedTokens, "tokens refused")
	line(c.IssuedTokens, "tokens issued")
	line(c.RefusedSignIns, "sign-ins refused")
	line(c.Malformed, "malformed")
	line(c.MostAtOnce, "most at once")
	w.Flush()
	return b.String()
}

// A tally keeps a Server's Counts. The zero value is ready for use, by several
// goroutines at once.
type tally struct {
	mu     sync.Mutex
	counts Counts
	now    int                 // requests in progress
	set    map[string]struct{} // users for whom a Set succeeded
	asked  asked

	signIns uint64 // requests for a token
}

// begin counts a request, and returns how many are in progress, it among them.
func (t *tally) begin() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Requests++
	t.now++
	t.counts.MostAtOnce = max(t.counts.MostAtOnce, t.now)
	return t.now
}

func (t *tally) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now--
}

// add counts one in n, which is a field of t.counts.
func (t *tally) add(n *int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*n++
}

// ask counts a request to run the cmdlet for the user, in lower case, and
// returns a number for it.
func (t *tally) ask(cmdlet, user string, page bool) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asked == nil {
		t.asked = make(asked)
		t.counts.Cmdlets = make(map[string]int)
	}
	if !page {
		t.counts.Cmdlets[cmdlet]++
	}
	return t.asked.next(cmdlet, user)
}

// signIn counts a request for a token, and returns a number for it.
func (t *tally) signIn() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.signIns++
	return fnv(fnvStart, "sign-in") + t.signIns*0x9e3779b97f4a7c15
}

// discover counts a request for a service's path, and returns a number for it.
func (t *tally) discover() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Discoveries++
	return fnv(fnvStart, "autodiscover") + uint64(t.counts.Discoveries)*0x9e3779b97f4a7c15
}

func (t *tally) fault(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts.Faults == nil {
		t.counts.Faults = make(map[string]int)
	}
	t.counts.Faults[name]++
}

// done counts a Set for the user, in lower case, that succeeded.
func (t *tally) done(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.set == nil {
		t.set = make(map[string]struct{})
	}
	t.set[user] = struct{}{}
}

func (t *tally) snapshot() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts
	c.Cmdlets = maps.Clone(c.Cmdlets)
	c.Faults = maps.Clone(c.Faults)
	c.UsersSet = len(t.set)
	return c
}
