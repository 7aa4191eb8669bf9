// Package tenant defines what a tenant is: something that runs cmdlets.
//
// A [Cmdlet] is one command, such as Set-MyAnalyticsFeatureConfig, about one
// user. A [Runner] runs it and returns the [Object]s it wrote, or an [*Error]
// with the reason. One call is one attempt: a Runner reports facts and decides
// nothing. Package pipeline decides whether to try again, when, and how fast.
//
// A [Setting] is the noun of a pair of Get- and Set- cmdlets, with its rules. It
// turns wanted values into cmdlets, and objects into values, and knows nothing of
// tenants or rows.
//
// The kinds of tenant are in the packages below this one.
package tenant

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A Cmdlet is one command about one user.
type Cmdlet struct {
	Name       string      // verb and noun, such as "Set-CASMailbox"
	Identity   string      // the user: a UPN or an object ID, sent as it is written
	Parameters []Parameter // the other parameters; shared between cmdlets, so not to be changed
}

// A Parameter is a named value given to a cmdlet: nil, a bool, a string, a
// [encoding/json.Number], a []string or an [Edit].
type Parameter struct {
	Name  string
	Value any
}

// For returns c, about the user that identity names.
func (c Cmdlet) For(identity string) Cmdlet {
	c.Identity = identity
	return c
}

// Reads reports whether c only reads.
func (c Cmdlet) Reads() bool { return strings.HasPrefix(c.Name, "Get-") }

// Noun returns what c is about: "CASMailbox" for Set-CASMailbox.
func (c Cmdlet) Noun() string {
	_, noun, _ := strings.Cut(c.Name, "-")
	return noun
}

// Check returns an error if c may not be sent to any tenant: if it is neither a
// Get- nor a Set- of a well-formed noun, or names no user. Exchange takes a
// missing Identity to mean every object there is.
//
// Every Runner that sends c out of the process calls it first.
func (c Cmdlet) Check() error {
	verb, noun, _ := strings.Cut(c.Name, "-")
	switch {
	case verb != "Get" && verb != "Set", !IsNoun(noun):
		return fmt.Errorf("run %q: not a Get- or Set- cmdlet", c.Name)
	case c.Identity == "":
		return fmt.Errorf("run %s: no identity", c.Name)
	}
	return nil
}

// IsNoun reports whether s can be the noun of a cmdlet: ASCII letters and
// digits, a letter first.
func IsNoun(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// An Object is what a cmdlet wrote: the values of its properties by name. A
// value is nil, a bool, a string, a [encoding/json.Number], or, for properties
// that rollcall does not change, a slice or a map of such.
//
// It belongs to the caller of Run, who may keep it and must not change it.
type Object map[string]any

// Get returns the value of the property called name, in whatever case, and
// whether there is one.
func (o Object) Get(name string) (value any, ok bool) {
	if value, ok = o[name]; ok {
		return value, true
	}
	for k, v := range o {
		if strings.EqualFold(k, name) {
			return v, true
		}
	}
	return nil, false
}

// A Runner runs cmdlets on one tenant. One call is one attempt.
//
// Run returns the objects that c wrote; for a Set that is often none. Any error
// that has to do with the tenant or the way to it is an [*Error]. When ctx ends
// first, Run returns without waiting for the tenant, and what c does may have
// happened or not.
//
// A Runner is safe for use by several goroutines at once.
type Runner interface {
	Run(ctx context.Context, c Cmdlet) ([]Object, error)
}

// ErrReadOnly is returned by a [ReadOnly] Runner for a cmdlet that would write.
var ErrReadOnly = errors.New("refused: this run only reads")

// ReadOnly returns a Runner that runs on r the cmdlets that only read, and refuses
// all others. A run that has no other Runner can't change anything.
func ReadOnly(r Runner) Runner { return readOnly{r} }

type readOnly struct{ r Runner }

func (r readOnly) Run(ctx context.Context, c Cmdlet) ([]Object, error) {
	if !c.Reads() {
		return nil, fmt.Errorf("%s %s: %w", c.Name, c.Identity, ErrReadOnly)
	}
	return r.r.Run(ctx, c)
}
