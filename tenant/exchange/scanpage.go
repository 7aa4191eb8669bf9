package exchange

import (
	"bytes"

	"rollcall/tenant"
	"rollcall/tenant/jsonscan"
)

// scanPage returns the page in a body that is written as most are: objects whose
// values are texts, true and false, and warnings. It reports whether it is one.
// encoding/json, which reads all others, takes four times as long.
func (r *reply) scanPage() (p page, ok bool) {
	s := jsonscan.New(r.Body)
	value, warnings := false, false
	for s.Open('{'); s.More('}'); {
		switch string(s.Name()) {
		case "@odata.context":
			s.Text()
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
			s.Fail()
		}
	}
	return p, s.Done()
}

// scanObject reads an object, and leaves out the annotations.
func scanObject(s *jsonscan.Scanner) tenant.Object {
	o := make(tenant.Object, 8)
	for s.Open('{'); s.More('}'); {
		name := s.Name()
		annotation := bytes.IndexByte(name, '@') >= 0
		switch {
		case annotation:
			s.Text()
		case s.Is('"'):
			o[string(name)] = string(s.Text())
		default:
			o[string(name)] = s.Bool()
		}
	}
	return o
}
