package jsonscan

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// Of JSON, Raw reads one value whole, whatever comes after it; and nothing makes
// a Scanner panic.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{`{"a":[1,"]\\",{"b":"\""}]}`, `"x"`, `12.5e3`, `null`, `[]`, `}`, `"\`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, after := range []string{"", ",", "]", "}", " "} {
			s := New(append(bytes.Clone(b), after...))
			raw := s.Raw()
			if json.Valid(b) && (s.Failed() || !bytes.Equal(raw, bytes.Trim(b, " \t\r\n"))) {
				t.Errorf("Raw of %q is %q", b, raw)
			}
		}
		if s := New(b); !s.Failed() {
			text := s.Text()
			var want string
			if s.Done() && (json.Unmarshal(b, &want) != nil || string(text) != want) {
				t.Errorf("Text of %q is %q, want %q", b, text, want)
			}
		}
		s := New(b)
		n := s.Uint()
		var want int
		if s.Done() && (json.Unmarshal(b, &want) != nil || n != want) {
			t.Errorf("Uint of %q is %d, want %d", b, n, want)
		}
		s = New(b)
		value := s.Value()
		var wantValue any
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if s.Done() && (!json.Valid(b) || d.Decode(&wantValue) != nil || !reflect.DeepEqual(value, wantValue)) {
			t.Errorf("Value of %q is %v, want %v", b, value, wantValue)
		}
		s = New(b)
		s.Skip()
		if s.Done() && !json.Valid(b) {
			t.Errorf("Skip accepts %q", b)
		}
		s = New(b)
		yes := s.Bool()
		var wantYes bool
		if s.Done() && (json.Unmarshal(b, &wantYes) != nil || yes != wantYes) {
			t.Errorf("Bool of %q is %v", b, yes)
		}
	})
}

// A string is the one that encoding/json reads, wherever in it a byte is.
func TestText(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				b := bytes.Repeat([]byte{'a'}, length+2)
				b[0], b[1+at], b[1+length] = '"', byte(c), '"'
				s := New(b)
				text := s.Text()
				var want string
				if err := json.Unmarshal(b, &want); s.Done() != (err == nil) || err == nil && string(text) != want {
					t.Fatalf("Text of %q is %q, %t; want %q, %v", b, text, s.Done(), want, err)
				}
			}
		}
	}
}

// No reply makes a Scanner use much of the stack: what is deeper than any real reply is left
// to encoding/json.
func TestDepth(t *testing.T) {
	for depth, want := range map[int]bool{maxDepth - 1: true, maxDepth + 1: false, 1 << 20: false} {
		s := New([]byte(strings.Repeat("[", depth) + strings.Repeat("]", depth)))
		s.Value()
		if s.Done() != want {
			t.Errorf("lists in lists, %d deep: read %t, want %t", depth, s.Done(), want)
		}
	}
}
