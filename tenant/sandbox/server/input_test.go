package server

import (
	"encoding/json"
	"reflect"
	"testing"

	"rollcall/tenant/jsonscan"
)

// A body that is scanned is the one that encoding/json reads.
func FuzzScanInput(f *testing.F) {
	f.Add([]byte(`{"CmdletInput":{"CmdletName":"Set-CASMailbox","Parameters":{"PopEnabled":false,"Identity":"ada"}}}`))
	f.Add([]byte(`{"CmdletInput":{"CmdletName":"Get-CASMailbox","Parameters":{"Identity":"ada","Identity":"bob"}}} `))
	f.Add([]byte(`{"CmdletInput":{"CmdletName":"Get-CASMailbox","Parameters":{"Identity":"\u0061"},"x":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := jsonscan.New(body)
		got := scanInput(s)
		if !s.Done() {
			return
		}
		// With a member in front that nobody asks for, it is not scanned.
		slow := append([]byte(`{"":0,`), body[indexByte(body, '{')+1:]...)
		want, err := parseInput(slow)
		if err != nil || got.name != want.name || len(got.parameters) != len(want.parameters) ||
			len(got.parameters) > 0 && !reflect.DeepEqual(got.parameters, want.parameters) {
			t.Errorf("%q is\n%+v, want\n%+v, %v", body, got, want, err)
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
				if got := p.headers.Get(name); got != value {
					t.Errorf("%q: header %q is %q, want %q", body, name, got, value)
				}
			}
		}
	})
}
