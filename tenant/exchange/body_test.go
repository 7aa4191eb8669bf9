package exchange

import (
	"encoding/json"
	"testing"

	"rollcall/tenant"
)

// A body is what encoding/json makes of it, for whatever texts.
func FuzzAppendBody(f *testing.F) {
	for _, s := range []string{"ada@example.org", `"\`, "<", ">", "&", "\x00\x1f\x7f", "\u2028\u2029", "é\xff\xc3", "\xed\xa0\x80", "\uFEFF", "😀"} {
		f.Add(s, "opt-out", "1")
		f.Add("ada@example.org", s, "-1.5e3")
	}
	f.Add("ada", "x", "")
	f.Add("ada", "x", "01")
	f.Add("ada", "x", `1,"Identity":2`)
	f.Add("ada", "", "1")
	f.Fuzz(func(t *testing.T, identity, value, number string) {
		if identity == "" {
			return // which no cmdlet has
		}
		cmd := tenant.Cmdlet{Name: "Set-Mailbox", Identity: identity, Parameters: []tenant.Parameter{
			{Name: "Text", Value: value}, {Name: "Flag", Value: true}, {Name: "Null"}, {Name: "Number", Value: json.Number(number)}}}
		type parameters struct {
			Identity string
			Text     string
			Flag     bool
			Null     any
			Number   json.Number
		}
		type input struct {
			CmdletName string
			Parameters parameters
		}
		want, wantErr := json.Marshal(struct{ CmdletInput input }{
			input{"Set-Mailbox", parameters{identity, value, true, nil, json.Number(number)}}})
		err := check(cmd)
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("check: %v; encoding/json: %v", err, wantErr)
		}
		if err != nil {
			return
		}
		if got := appendBody(nil, cmd); string(got) != string(want) {
			t.Fatalf("appendBody = %s\nwant %s", got, want)
		}
	})
}

// A list is sent as one, and what is added to it or removed as the hash table that
// Microsoft's module makes of @{Add=...; Remove=...}.
func TestListBodies(t *testing.T) {
	for want, value := range map[string]any{
		`["a","b \"c\""]`: []string{"a", `b "c"`},
		`[]`:              []string{},
		`{"@odata.type":"#Exchange.GenericHashTable","Add":["a"]}`:                tenant.Edit{Add: []string{"a"}},
		`{"@odata.type":"#Exchange.GenericHashTable","Remove":["b"]}`:             tenant.Edit{Remove: []string{"b"}},
		`{"@odata.type":"#Exchange.GenericHashTable","Add":["a"],"Remove":["b"]}`: tenant.Edit{Add: []string{"a"}, Remove: []string{"b"}},
	} {
		err := checkValue(value)
		if got := appendValue(nil, value); err != nil || string(got) != want {
			t.Errorf("%#v is sent as %s (%v), want %s", value, got, err, want)
		}
	}
	if checkValue(tenant.Untyped("x")) == nil {
		t.Error("a value that is not what it stands for is sent")
	}
}
