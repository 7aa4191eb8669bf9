package roster

import "testing"

func TestNearest(t *testing.T) {
	words := []string{"workers", "rate", "retries", "read-first", "organization", "output"}
	for _, test := range []struct{ wrong, want string }{
		{"wrokers", "workers"}, {"worker", "workers"}, {"organisation", "organization"}, {"readfirst", "read-first"},
		{"ratte", "rate"}, {"xyzzy", ""}, {"", ""}, {"frobnicate", ""},
	} {
		if got := Nearest(test.wrong, words); got != test.want {
			t.Errorf("Nearest(%q) = %q; want %q", test.wrong, got, test.want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "acb", 1},
		{"kitten", "sitting", 3}, {"rate", "retries", 4},
	} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("distance(%q, %q) = %d; want %d", test.a, test.b, got, test.want)
		}
	}
}
