package server

import (
	"encoding/json"
	"slices"
	"testing"

	"rollcall/tenant/jsonscan"
)

// A body that is scanned is the cmdlet that encoding/json reads.
func FuzzScanInput(f *testing.F) {
	f.Add([]byte(`{"CmdletInput":{"CmdletName":"Set-CASMailbox","Parameters":{"PopEnabled":false,"Identity":"ada"}}}`))
	f.Add([]byte(`{"CmdletInput":{"CmdletName":"Get-CASMailbox","Parameters":{"Identity":"ada","Identity":"bob"}}} `))
	f.Add([]byte(`{"CmdletInput":{"CmdletName":"Get-CASMailbox","Parameters":{"Identity":"\u0061"},"x":1}}`))
	f.Add([]byte(`{"CmdletInput":{"CmdletName":"Set-CASMailbox","Parameters":{"IDENTITY":"","Identity":"ada","PopEnabled":true,"PopEnabled@x":"y"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := jsonscan.New(body)
		in := scanInput(s, new(words))
		if !s.Done() {
			return
		}
		got, gotErr := in.cmdlet("application/json", "")
		// With a member in front that nobody asks for, it is not scanned.
		slow, err := parseInput(append([]byte(`{"":0,`), body[indexByte(body, '{')+1:]...))
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		want, wantErr := slow.cmdlet("application/json", "")
		if (gotErr == nil) != (wantErr == nil) || gotErr != nil && gotErr.Error() != wantErr.Error() ||
			gotErr == nil && (got.Name != want.Name || got.Identity != want.Identity || !slices.Equal(got.Parameters, want.Parameters)) {
			t.Errorf("%q is\n%+v, %v, want\n%+v, %v", body, got, gotErr, want, wantErr)
		}
	})
}

func indexByte(b []byte, c byte) int {
	for i := range b {
		if b[i] == c {
			return i
		}
	}
	return -1
}

// A batch that is scanned has the parts that encoding/json reads.
func FuzzScanParts(f *testing.F) {
	f.Add([]byte(`{"requests":[{"id":"0","method":"POST","url":"http://x/","headers":{"a":"b","a":"c"},"body":{"CmdletInput":{"CmdletName":"Get-A","Parameters":{"Identity":"x"}}}}]}`))
	f.Add([]byte(`{"requests":[{"id":"0"},{"id":"0","headers":{}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		parts, ok := scanParts(body)
		if !ok {
			return
		}
		var want struct{ Requests []part }
		if err := json.Unmarshal(body, &want); err != nil || len(parts) != len(want.Requests) {
			t.Fatalf("%q has %d parts, want %d, %v", body, len(parts), len(want.Requests), err)
		}
		for i, p := range parts {
			w := want.Requests[i]
			if p.ID != w.ID || p.Method != w.Method || p.URL != w.URL {
				t.Errorf("%q is\n%+v, want\n%+v", body, p, w)
			}
			for name, value := range w.Headers {
				if h := p.header(name); h != nil && *h != value {
					t.Errorf("%q: header %q is %q, want %q", body, name, *h, value)
				}
			}
		}
	})
}
