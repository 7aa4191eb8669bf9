package server

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Faults are the probabilities of the faults of a [Server], by name. A cmdlet, a request for a
// token, and a request for the path of a service each have at most one fault, so the
// probabilities of each kind add up to 1 or less.
type Faults map[string]float64

// The names of the faults. Those above faultLost leave the tenant unchanged.
const (
	fault503          = "503"
	faultReset        = "reset"
	faultHang         = "hang"
	faultHTML         = "html"
	faultTransient400 = "transient400"
	faultErrors200    = "errors200"
	fault401          = "401"
	faultExpired      = "expired"
	faultClaims       = "claims"
	faultLost         = "lost"
	faultTruncated    = "truncated"
	faultPaged        = "paged"

	faultToken429 = "token429"
	faultToken503 = "token503"

	faultDiscover503  = "discover503"
	faultUndiscovered = "undiscovered"
)

// A scope is what a fault applies to.
type scope int

const (
	ofCmdlet    scope = iota // a request, or a part of a batch
	ofRequest                // a request, or a batch as a whole
	ofSignIn                 // a request for a token
	ofDiscovery              // a request for a service's path
)

// faults are all faults, in the order in which they are drawn.
var faults = []struct {
	name  string
	scope scope
	help  string
}{
	{fault503, ofCmdlet, "503 Service Unavailable, in plain text"},
	{faultReset, ofRequest, "the connection is reset, and nothing done"},
	{faultHang, ofRequest, "no reply until the client gives up"},
	{faultHTML, ofCmdlet, "a page of HTML, as 200 or as 502"},
	{faultTransient400, ofCmdlet, "400 with an exception that will pass"},
	{faultErrors200, ofCmdlet, "200 with an error inside, and nothing done"},
	{faultLost, ofRequest, "the change is made, and the connection reset"},
	{faultTruncated, ofRequest, "the change is made, and the reply cut in the middle"},
	{faultPaged, ofCmdlet, "the reply comes in two pages; not at Viva Insights, which has none"},
	{fault401, ofCmdlet, "401 that says nothing, and not again"},
	{faultExpired, ofCmdlet, "401, and again whenever that token is used"},
	{faultClaims, ofCmdlet, "401 with claims, until a token is used that was asked for with them"},
	{faultToken429, ofSignIn, "429 to a request for a token"},
	{faultToken503, ofSignIn, "503 to a request for a token"},
	{faultDiscover503, ofDiscovery, "503 to a request for the path of Viva Insights"},
	{faultUndiscovered, ofDiscovery, "autodiscover does not know the path of Viva Insights"},
}

// FaultNames returns the names that [Faults] may have.
func FaultNames() []string {
	var names []string
	for _, f := range faults {
		names = append(names, f.name)
	}
	return names
}

// FaultHelp returns a line for each name that [Faults] may have, with what it
// does.
func FaultHelp() string {
	var b strings.Builder
	for _, f := range faults {
		fmt.Fprintf(&b, "%-12s  %s\n", f.name, f.help)
	}
	return b.String()
}

// ParseFaults reads specs, each of them NAME:PROBABILITY or several such
// between commas. A probability is a number from 0 to 1, or 0% to 100%.
func ParseFaults(specs ...string) (Faults, error) {
	faults := make(Faults)
	for _, spec := range specs {
		for one := range strings.SplitSeq(spec, ",") {
			name, text, ok := strings.Cut(strings.TrimSpace(one), ":")
			if !ok {
				return nil, fmt.Errorf("fault %q: want NAME:PROBABILITY", one)
			}
			if _, ok := faults[name]; ok {
				return nil, fmt.Errorf("fault %q: given twice", name)
			}
			p, err := parseProbability(text)
			if err != nil {
				return nil, fmt.Errorf("fault %q: %w", name, err)
			}
			faults[name] = p
		}
	}
	if err := faults.check(); err != nil {
		return nil, err
	}
	return faults, nil
}

func parseProbability(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	p, err := strconv.ParseFloat(number, 64)
	if percent {
		p /= 100
	}
	if err != nil || !(p >= 0 && p <= 1) {
		return 0, fmt.Errorf("probability %q: want 0 to 1, or 0%% to 100%%", text)
	}
	return p, nil
}

func (f Faults) check() error {
	var cmdlets, signIns, discoveries float64
	names := FaultNames()
	for name, p := range f {
		i := slices.Index(names, name)
		if i < 0 {
			return fmt.Errorf("fault %q: want one of %s", name, strings.Join(names, ", "))
		}
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("fault %q: probability %v: want 0 to 1", name, p)
		}
		switch faults[i].scope {
		case ofSignIn:
			signIns += p
		case ofDiscovery:
			discoveries += p
		default:
			cmdlets += p
		}
	}
	if total := max(cmdlets, signIns, discoveries); total > 1+1e-9 {
		return fmt.Errorf("faults: probabilities add up to %v: want 1 at most", total)
	}
	return nil
}

// draw returns the fault of a cmdlet for x, a random number from 0 up to but not including 1,
// or "" for none. Faults of requests are left out unless whole is true.
func (f Faults) draw(x float64, whole bool) string {
	for _, fault := range faults {
		if fault.scope != ofCmdlet && fault.scope != ofRequest {
			continue
		}
		p := f[fault.name]
		if x >= p {
			x -= p
			continue
		}
		if fault.scope == ofRequest && !whole {
			return ""
		}
		return fault.name
	}
	return ""
}

// drawOf is like draw, for the faults of requests without a cmdlet.
func (f Faults) drawOf(s scope, x float64) string {
	for _, fault := range faults {
		if fault.scope != s {
			continue
		}
		if x < f[fault.name] {
			return fault.name
		}
		x -= f[fault.name]
	}
	return ""
}

// A chance draws the numbers for one request. It is the same for the nth time
// that a cmdlet is run for a user, whatever else is asked meanwhile, so a run
// meets the same faults again however its requests are scheduled.
type chance struct{ pcg rand.PCG }

func newChance(seed, request uint64) *chance {
	var c chance
	c.pcg.Seed(seed, request)
	return &c
}

// float returns a number from 0 to 1, and less than 1.
func (c *chance) float() float64 { return float64(c.pcg.Uint64()>>11) / (1 << 53) }

// An asked counts how often each cmdlet was run for each user.
type asked map[uint64]uint64

// next returns a number for the nth time, n being counted, that the cmdlet is
// run for the user.
func (a asked) next(cmdlet, user string) uint64 {
	h := fnv(fnv(fnvStart, cmdlet), user)
	a[h]++
	return h + a[h]*0x9e3779b97f4a7c15 // far from the others, as the seeds of similar draws should be
}

// FNV-1a: the same in every process, which hash/maphash is not.
const fnvStart = 0xcbf29ce484222325

func fnv(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return (h ^ 0xff) * 0x100000001b3 // no text has this byte: "ab", "c" is not "a", "bc"
}
