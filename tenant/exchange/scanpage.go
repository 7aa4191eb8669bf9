package exchange

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/jsonscan"
)

// scanPage returns the page in a body that is written as most are: objects, and
// warnings. It reports whether it is one. encoding/json, which reads all others,
// takes four times as long.
func (r *reply) scanPage() (p page, ok bool) {
	s := jsonscan.New(r.Body)
	value, warnings := false, false
	for s.Open('{'); s.More('}'); {
		switch name := string(s.Name()); name {
		case "@adminapi.warnings":
			if warnings {
				s.Fail()
			}
			warnings = true
			for s.Open('['); s.More(']'); {
				p.warnings = r.appendWarning(p.warnings, string(s.Text()))
			}
		case "value":
			if value {
				s.Fail()
			}
			value = true
			p.objects = []tenant.Object{}
			for s.Open('['); s.More(']'); {
				p.objects = append(p.objects, scanObject(s))
			}
		default:
			skip(s, name, "value", "@adminapi.warnings", "@adminapi.errors", "error", "@odata.nextLink", "odata.nextLink")
		}
	}
	return p, s.Done()
}

// scanObject reads an object, and leaves out the annotations.
func scanObject(s *jsonscan.Scanner) tenant.Object {
	o := make(tenant.Object, 8)
	for s.Open('{'); s.More('}'); {
		name := s.Name()
		switch {
		case bytes.IndexByte(name, '@') >= 0:
			skip(s, string(name))
		case s.Is('"'):
			o[string(name)] = string(s.Text())
		case s.Is('t'), s.Is('f'):
			o[string(name)] = s.Bool()
		default:
			o[string(name)] = decodeValue(s)
		}
	}
	return o
}

// decodeValue decodes the value that comes next.
func decodeValue(s *jsonscan.Scanner) (v any) {
	raw := s.Raw()
	switch {
	case !json.Valid(raw):
		s.Fail()
	case raw[0] == '-', '0' <= raw[0] && raw[0] <= '9':
		v = json.Number(raw)
	case raw[0] != 'n':
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		d.Decode(&v)
	}
	return v
}

// skip leaves out the value of the member called name, which nobody asks for. What
// encoding/json takes for one of known is left to that.
func skip(s *jsonscan.Scanner, name string, known ...string) {
	if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) || !json.Valid(s.Raw()) {
		s.Fail()
	}
}
