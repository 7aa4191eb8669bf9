package powershell

import (
	"fmt"
	"regexp"
	"strings"

	"rollcall/tenant"
)

// An identity that Microsoft's module takes for a cmdlet that it has compiled
// in. Certain, for it was seen to: this has to be found somewhere in the identity,
// which goes into the path of a URL as it is.
var moduleIdentity = regexp.MustCompile("[a-zA-Z0-9!#$%*+\\-/?^_`.{|}~]+@([a-zA-Z0-9\\-]+\\.)+[a-zA-Z]{2,4}")

// checkIdentity returns an error if Microsoft's module would refuse the user of
// c, or ask for another one. Exchange's own cmdlets take any identity.
func checkIdentity(c tenant.Cmdlet) error {
	if !tenant.InModule(c.Noun()) {
		return nil
	}
	refuse := func(why string) error {
		return fmt.Errorf("run %s: identity %q: %s; the tenant exchange reaches this user", c.Name, c.Identity, why)
	}
	i := strings.IndexFunc(c.Identity, func(r rune) bool { return r > '~' || strings.ContainsRune(`#?%/\'"`, r) || r <= ' ' })
	switch {
	case i >= 0 && c.Identity[i] > '~':
		return refuse("Microsoft's module refuses letters beyond ASCII")
	case i >= 0:
		return refuse(fmt.Sprintf("Microsoft's module puts it into a URL as it is, where %q has a meaning: that may be another user", c.Identity[i]))
	case !moduleIdentity.MatchString(c.Identity):
		return refuse("Microsoft's module refuses what is not an email address")
	}
	return nil
}
