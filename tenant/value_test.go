package tenant

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"unicode/utf8"
)

// What the tenant shows decides what a value is, as it is sent and as it is
// compared.
func TestCompare(t *testing.T) {
	n := func(s string) json.Number { return json.Number(s) }
	list := func(members ...any) []any { return members }
	for _, c := range []struct {
		shown, want any
		like        Comparison
	}{
		{"opt-in", "opt-in", Same}, {"Opt-In", "opt-in", CaseDiffers}, {"opt-out", "opt-in", Different},
		{true, true, Same}, {"True", true, Same}, {false, true, Different}, {nil, true, Different}, {"1", true, Different},
		{true, Untyped("yes"), Same}, {true, Untyped("1"), Same}, {false, Untyped("0"), Same}, {true, Untyped("0"), Different}, {true, Untyped("2"), Different},
		{"yes", Untyped("yes"), Same}, {"True", Untyped("TRUE"), CaseDiffers}, {"1200000", "12E5", Different},

		{nil, nil, Same}, {"", nil, Same}, {list(), nil, Same}, {"x", nil, Different}, {list("x"), nil, Different}, {false, nil, Different}, {n("0"), nil, Different},
		{nil, "Null", Different}, {nil, Untyped("[]"), Same}, {list(), Untyped("[]"), Same},

		{n("42"), Untyped("42"), Same}, {"42", Untyped("42"), Same}, {n("42"), "42.0", Same}, {n("1200000"), "12E5", Same}, {"1.1", "1.10", Different},
		{n("9007199254740993"), "9007199254740992", Different}, {n("1e999999999"), "2e999999999", Different}, {n("1"), "", Different}, {n("1"), "0x1", Different}, {n("0"), "0_0", Different},
		{n("26214400"), "25 MB (26,214,400 bytes)", Same}, {n("1"), true, Different},

		{list("fr-FR"), "fr-FR", Same}, {list("fr-FR"), "de-DE", Different}, {list("fr-FR", "de-DE"), "fr-FR", Different},
		{list("a", "b"), Untyped("[b;a]"), Same}, {list("a", "b"), Untyped(`["b","a"]`), Same}, {list("smtp:a"), Untyped("[SMTP:a]"), Different},
		{list("a"), Untyped("[a;b]"), Different}, {"a", Untyped("[a]"), Same}, {"[a]", Untyped("[a]"), Same}, {"[a]", "[a]", Same}, {list("a"), "[a]", Different},
		{list("a;b"), Untyped(`["a;b"]`), Same},

		{list("a", "b"), Edit{Add: []string{"a"}}, Same}, {list("b"), Edit{Add: []string{"a"}}, Different}, {nil, Edit{Add: []string{"a"}}, Different},
		{list("a"), Edit{Remove: []string{"a"}}, Different}, {nil, Edit{Remove: []string{"a"}}, Same}, {"a", Edit{Add: []string{"a"}, Remove: []string{"b"}}, Same},
		{true, Edit{Remove: []string{"a"}}, Different},
		{map[string]any{}, "x", Different}, {map[string]any{}, nil, Different},
	} {
		if got := Compare(c.shown, c.want); got != c.like {
			t.Errorf("Compare(%#v, %#v) = %d, want %d", c.shown, c.want, got, c.like)
		}
	}
}

func TestAs(t *testing.T) {
	for _, c := range []struct {
		want any
		kind Kind
		sent string // %#v
	}{
		{Untyped("TRUE"), Unknown, "true"}, {Untyped("TRUE"), Boolean, "true"}, {Untyped("TRUE"), String, `"TRUE"`}, {Untyped("TRUE"), Number, `"TRUE"`},
		{Untyped("yes"), Boolean, "true"}, {Untyped("yes"), Unknown, `"yes"`}, {Untyped("0"), Boolean, "false"}, {Untyped("0"), Unknown, `"0"`}, {Untyped("2"), Boolean, `"2"`},
		{Untyped("42"), Number, `"42"`}, {Untyped("42"), String, `"42"`},
		{Untyped("[a; b;]"), List, `[]string{"a", "b"}`}, {Untyped("[a;b]"), Unknown, `[]string{"a", "b"}`}, {Untyped("[a;b]"), String, `"[a;b]"`}, {Untyped("[]"), List, `[]string{}`},
		{Untyped(`["a;b","[c]"]`), List, `[]string{"a;b", "[c]"}`}, {Untyped("[1,2]"), List, `[]string{"1,2"}`},
		{"true", Boolean, `"true"`}, {"[a]", List, `"[a]"`}, {nil, Boolean, "<nil>"},
	} {
		if got := fmt.Sprintf("%#v", As(c.want, c.kind)); got != c.sent {
			t.Errorf("As(%#v, %v) = %s, want %s", c.want, c.kind, got, c.sent)
		}
	}
	if got := As(Untyped("42"), Unknown); got != json.Number("42") {
		t.Errorf("42 is sent as %#v, want a number", got)
	}
}

// Whatever a tenant shows, its cell reads back as what is wanted to have it so
// again: as a value that is sent the same whether the tenant shows the property
// to be cleared or as it was, and that is the same as what was shown.
func FuzzCell(f *testing.F) {
	for _, text := range []string{"", "x", "true", "'TRUE", "$null", "''$null", "12E5", "042", "42", "[a;b]", `["a"]`, "'[a]", `+["x"]`, `-["x"]`, `+["x"]-["y"]`, "=1+1", " padded ", " true", " ", "0 ", "yes", "0", "\x00", "[", "smtp:a@b", "é"} {
		f.Add(text)
	}
	mailbox, _ := LookupSetting("Mailbox")
	check := func(t *testing.T, shown any) {
		cell := Cell(shown)
		want, err := mailbox.ParseCell("Note", cell)
		if err != nil {
			t.Fatal(err)
		}
		if Compare(shown, want) != Same {
			t.Errorf("%#v is %q in a cell, and not the same as what that wants: %#v", shown, cell, want)
		}
		for _, k := range []Kind{Unknown, KindOf(shown)} {
			sent := As(want, k)
			if number, ok := sent.(json.Number); ok { // with the same digits
				sent = string(number)
			}
			if members, ok := sent.([]string); ok {
				sent = toList(members)
			}
			if !isNothing(shown) && !reflect.DeepEqual(sent, shown) && Text(sent) != Text(shown) || isNothing(shown) != isNothing(sent) {
				t.Errorf("%#v is %q in a cell, and sent to a property that is %v as %#v", shown, cell, k, sent)
			}
		}
		if again := Cell(want); again != cell {
			t.Errorf("%#v is %q in a cell, and %q when it was read and written again", shown, cell, again)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip("JSON has none such")
		}
		check(t, text)
		check(t, []any{text})
		check(t, []any{text, "b"})
		for _, shown := range []any{nil, true, false, json.Number("42"), json.Number("1.5"), []any{}} {
			check(t, shown)
		}
		// What somebody writes is wanted the same when it was written to a cell of ours.
		want, _ := mailbox.Parse("Note", text)
		if back, _ := mailbox.ParseCell("Note", Cell(want)); !reflect.DeepEqual(back, want) {
			t.Errorf("%q is wanted as %#v, in a cell %q, and read back as %#v", text, want, Cell(want), back)
		}
	})
}

func toList(members []string) []any {
	list := make([]any, len(members))
	for i, m := range members {
		list[i] = m
	}
	return list
}
