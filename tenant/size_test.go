package tenant

import (
	"encoding/json"
	"testing"
)

// What was set is recognised in the form in which it reads back.
func TestEqualForms(t *testing.T) {
	const read = "25 MB (26,214,400 bytes)"
	for _, test := range []struct {
		a, b any
		want bool
	}{
		{"25MB", read, true}, {"25 mb", read, true}, {"26214400", read, true}, {json.Number("26214400"), read, true}, {"25600KB", read, true},
		{"51380224KB", "49 GB (52,613,349,376 bytes)", true}, {"9999999999TB", read, false}, {read, "25MB", true}, {read, read, true}, {"0.025GB", read, false}, {"26MB", read, false}, {"25", read, false}, {"MB", read, false},
		{"Unlimited", read, false}, {"25 MB", "25MB", false}, {"NaNMB", read, false}, {"-25MB", read, false}, {"", read, false},
		{"1.5 GB (1,610,612,736 bytes)", "1.5GB", true}, {"x (y bytes)", "x", false}, {"1e300TB", read, false},
		{nil, nil, true}, {nil, "", true}, {"", nil, true}, {nil, []any{}, true}, {nil, "x", false}, {nil, []any{"x"}, false}, {nil, false, false}, {"", "", true},
		{nil, json.Number("0"), false}, {nil, "null", true},
	} {
		if got := Equal(test.a, test.b); got != test.want {
			t.Errorf("Equal(%#v, %#v) = %t; want %t", test.a, test.b, got, test.want)
		}
	}
}
