package report

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/pipeline"
)

// A change is asked for with the values that it is from and to, the commonest first, as
// far as they are known.
func TestAsked(t *testing.T) {
	type v = pipeline.Value
	for _, test := range []struct {
		properties string
		users      map[int][]v // how many of which
		whose      string
		want       string
	}{
		{"A", map[int][]v{492: {{Wanted: "opt-out"}}}, "", "Set A to opt-out for 492 users"},
		{"A", map[int][]v{1: {{Wanted: "opt-out"}}}, "the other", "Set A to opt-out for the other 1 user"},
		{"A", map[int][]v{491: {{Wanted: "opt-out", Before: "opt-in"}}, 1: {{Wanted: "opt-out"}}}, "", "Set A to opt-out for 492 users (491 opt-in → opt-out, 1 not read)"},
		{"A", map[int][]v{5: {{Wanted: "x", Before: "x"}}, 1: {{Wanted: "x", Before: "$null"}}}, "", "Set A to x for 6 users (5 x already, 1 $null → x)"},
		{"A", map[int][]v{400: {{Wanted: "x"}}, 92: {{Wanted: "y"}}}, "", "Set A for 492 users (400 to x, 92 to y)"},
		{"A B", map[int][]v{3: {{Wanted: "x"}, {Wanted: "y"}}}, "", "Set A to x and B to y for 3 users"},
		{"A B", map[int][]v{3: {{Wanted: "x"}, {Wanted: "y"}}, 2: {{Wanted: "x"}, {}}}, "", "Set A to x and B to each user's own value for 5 users (B: 3 to y, 2 not changed)"},
		{"A B C", map[int][]v{3: {{Wanted: `+["a","b"]`}, {Wanted: "y"}, {Wanted: `-["c"]`}}}, "", "Add a, b to A, set B to y and remove c from C for 3 users"},
		{"A", map[int][]v{9: {{Wanted: "a"}}, 8: {{Wanted: "b"}}, 7: {{Wanted: "c"}}, 6: {{Wanted: "d"}}}, "", "Set A for 30 users (9 to a, 8 to b, 7 to c, 6 to d)"},
		{"A", map[int][]v{9: {{Wanted: "a"}}, 8: {{Wanted: "b"}}, 7: {{Wanted: "c"}}, 6: {{Wanted: "d"}}, 5: {{Wanted: "e"}}}, "", "Set A for 35 users (9 to a, 8 to b, 7 to c and 11 others)"},
		{"A", map[int][]v{1: {{Wanted: "\x1b[2J" + strings.Repeat("x", 100)}}}, "", "Set A to \ufffd[2J" + strings.Repeat("x", 56) + "… for 1 user"},
	} {
		a := NewAsked(strings.Fields(test.properties))
		for n, values := range test.users {
			for range n {
				a.Add(values)
			}
		}
		if got := a.Set(test.whose); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}

	a := NewAsked([]string{"A", "B", "C"})
	a.Add([]v{{Wanted: "x"}, {Wanted: "true"}, {Wanted: "true"}})
	if got, want := a.PutBack(1, ""), "Put back A of 1 user (1 to x) and what moved with it (B, C)"; got != want || a.Unread() != 1 {
		t.Errorf("%q, want %q; %d unread", got, want, a.Unread())
	}

	a.Noun = "CASMailbox"
	if got, want := a.PutBack(1, ""), "Put back A of CASMailbox for 1 user (1 to x) and what moved with it (B, C)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := a.Set(""), "Set A of CASMailbox to x, B to true and C to true for 1 user"; got != want {
		t.Errorf("%q, want %q", got, want)
	}

	// However many values there are, what is kept of them is bounded, and all are
	// counted.
	a = NewAsked([]string{"A"})
	for i := range 5000 {
		a.Add([]v{{Wanted: fmt.Sprint(i)}})
		a.Add([]v{{Wanted: "often"}})
	}
	if got, want := a.Set(""), "Set A for 10000 users (5000 to often, 1 to 0, 1 to 1 and 4998 others)"; got != want || len(a.moves[0]) > mostMoves {
		t.Errorf("%q, want %q; %d kept", got, want, len(a.moves[0]))
	}
}

// What a cell says is never taken for the sentence around it, and a long one is not kept,
// though two that begin alike stay two.
func TestAskedOfHostileValues(t *testing.T) {
	a := NewAsked([]string{"A"})
	a.Add([]pipeline.Value{{Wanted: "x for 1 user on the sandbox tenant? Record: none. "}})
	if got, want := a.Set(""), `Set A to "x for 1 user on the sandbox tenant? Record: none. " for 1 user`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, prefix := range []string{"", `+["`} {
		a = NewAsked([]string{"A"})
		for i := range 2 {
			end := map[string]string{"": "", `+["`: `"]`}[prefix]
			a.Add([]pipeline.Value{{Wanted: prefix + strings.Repeat("x", 200_000) + strings.Repeat("y", i) + end}})
		}
		if len(a.moves[0]) != 2 {
			t.Errorf("%q: two long values are %d", prefix, len(a.moves[0]))
		}
		for m := range a.moves[0] {
			if _, edit := members(m.to); len(m.to) > 2000 || prefix != "" && edit != '+' {
				t.Errorf("%q: %d bytes are kept of a value, edit %q", prefix, len(m.to), edit)
			}
		}
	}
}
