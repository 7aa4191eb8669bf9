package exchange

import (
	"bytes"
	"strings"
	"sync/atomic"

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
		switch name := s.Name(); string(name) {
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
				p.objects = append(p.objects, scanObject(s, r.start))
			}
		default:
			skip(s, name, "value", "@adminapi.warnings", "@adminapi.errors", "error", "@odata.nextLink", "odata.nextLink")
		}
	}
	return p, s.Done()
}

// scanObject reads an object, and leaves out the annotations. last is before its first
// property.
func scanObject(s *jsonscan.Scanner, last *property) tenant.Object {
	o := make(tenant.Object, 8)
	for s.Open('{'); s.More('}'); {
		name := s.Name()
		if bytes.IndexByte(name, '@') >= 0 {
			s.Skip()
		} else {
			last = last.after(name)
			o[last.name] = s.Value()
		}
	}
	return o
}

// A property of objects knows which one came after it in the object read last. Most
// objects have the same properties in the same order, and so share their names.
type property struct {
	name string
	next atomic.Pointer[property]
}

// after returns the property called name, which comes after p.
func (p *property) after(name []byte) *property {
	next := p.next.Load()
	if next == nil || next.name != string(name) {
		next = &property{name: string(name)}
		p.next.Store(next)
	}
	return next
}

// skip leaves out the value of the member called name, which nobody asks for. What
// encoding/json takes for one of known is left to that.
func skip(s *jsonscan.Scanner, name []byte, known ...string) {
	for _, k := range known {
		if strings.EqualFold(k, string(name)) {
			s.Fail()
		}
	}
	s.Skip()
}
