package server

import (
	"testing"

	"rollcall/tenant"
)

// Parameters that are the same as those before are one list, unless a value is a list.
func TestShare(t *testing.T) {
	set := func(name string, value any) []tenant.Parameter { return []tenant.Parameter{{Name: name, Value: value}} }
	for _, test := range []struct {
		first, second []tenant.Parameter
		want          bool
	}{
		{set("PopEnabled", false), set("PopEnabled", false), true},
		{set("Office", "Oslo"), set("Office", "Oslo"), true},
		{set("PopEnabled", false), set("PopEnabled", true), false},
		{set("PopEnabled", false), set("ImapEnabled", false), false},
		{set("Office", "true"), set("Office", true), false},
		{set("Office", nil), set("Office", nil), true},
		{set("Office", nil), set("Office", "nil"), false},
		{set("Office", []string{"a"}), set("Office", []string{"a"}), false},
		{set("Office", "a"), append(set("Office", "a"), set("City", "b")...), false},
	} {
		var s Server
		first := s.share(test.first)
		s.share(nil) // a Get
		if second := s.share(test.second); (&second[0] == &first[0]) != test.want || len(second) != len(test.second) {
			t.Errorf("%v after %v: one list %t, want %t", test.second, test.first, !test.want, test.want)
		}
	}
}
