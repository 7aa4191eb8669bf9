package sandbox

import (
	"slices"

	"rollcall/tenant"
)

// An Answer is the result of a cmdlet, with everything that a service needs for its reply.
type Answer struct {
	noun      *noun
	user      user
	shown     bool // the cmdlet wrote the user's properties
	unchanged bool // it is a Set that changed nothing
}

// User returns the name of the user that the cmdlet was about, in the tenant's
// spelling.
func (a *Answer) User() string { return a.user.name }

// Key returns the name of the property that has the name of the user. Objects of a Tenant do
// not have it.
func (a *Answer) Key() string { return a.noun.id }

// Objects returns what the cmdlet wrote.
func (a *Answer) Objects() []tenant.Object { return a.view().objects }

// Fields returns the properties of the object that the cmdlet wrote, in the order in which
// they are shown, or nil if the order does not matter.
func (a *Answer) Fields() []Field { return a.view().fields }

func (a *Answer) view() view {
	if !a.shown {
		return view{}
	}
	return a.noun.view(a.noun, a.user)
}

// Warning returns the service's warning for a Set that changed nothing, or "".
func (a *Answer) Warning() string {
	if !a.unchanged {
		return ""
	}
	return "The command completed successfully but no settings of '" + a.user.name + "' have been modified."
}

// OptedOut reports whether the user's data are not used.
func (a *Answer) OptedOut() bool { return a.user.flags&privacy != 0 }

// IsOn reports whether a property that is true or false, one of those that Viva
// Insights has, is true for the user: IsDashboardEnabled, IsAddInEnabled,
// IsDigestEmailEnabled, IsInsightsHeadspaceEnabled or IsEnabled.
func (a *Answer) IsOn(property string) bool {
	i := slices.IndexFunc(toggles, func(t toggle) bool { return t.property == property })
	return a.user.flags&toggles[i].off == 0
}

// Unlicensed reports whether there is a user called name who has no licence.
func (t *Tenant) Unlicensed(name string) bool {
	u, ok := t.users.read(name)
	return ok && u.flags&unlicensed != 0
}

// NounsOfExchange returns the nouns with rules of their own whose cmdlets are not
// compiled into Microsoft's module.
func NounsOfExchange() []string {
	var names []string
	for _, n := range nouns {
		if !tenant.InModule(n.name) {
			names = append(names, n.name)
		}
	}
	return names
}
