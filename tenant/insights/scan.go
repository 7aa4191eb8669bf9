package insights

import (
	"strings"

	"rollcall/tenant/jsonscan"
)

// A field is a member of a reply that is true or false, and where it goes.
type field struct {
	name  string
	value **bool
}

// scanDocument reads a document that is written as most are, and reports whether it is
// one. encoding/json, which reads all others, takes several times as long.
func scanDocument(body []byte) (*document, bool) {
	d := &struct { // with all that it points to
		document
		service serviceSettings
		feature featureSettings
	}{}
	s := jsonscan.New(body)
	for s.Open('{'); s.More('}'); {
		switch name := s.Name(); {
		case string(name) == "ServiceSettings" && d.ServiceSettings == nil:
			d.ServiceSettings = &d.service
			scanFields(s, field{"IsOptedOut", &d.service.IsOptedOut})
		case string(name) == "FeatureSettings" && d.FeatureSettings == nil:
			f := &d.feature
			d.FeatureSettings = f
			scanFields(s, field{"IsDashboardOptedOut", &f.IsDashboardOptedOut}, field{"IsDigestEmailOptedOut", &f.IsDigestEmailOptedOut},
				field{"IsAddInOptedOut", &f.IsAddInOptedOut}, field{"IsInsightsHeadspaceDisabled", &f.IsInsightsHeadspaceDisabled})
		default:
			scanField(s, name, field{"IsEnabled", &d.IsEnabled}, field{"ServiceSettings", nil}, field{"FeatureSettings", nil})
		}
	}
	return &d.document, s.Done()
}

// scanFields reads an object with fields.
func scanFields(s *jsonscan.Scanner, fields ...field) {
	for s.Open('{'); s.More('}'); {
		scanField(s, s.Name(), fields...)
	}
}

// scanField reads the value of the member called name, or leaves it out if it is none of
// fields. What only encoding/json takes for one of them is left to that.
func scanField(s *jsonscan.Scanner, name []byte, fields ...field) {
	for _, f := range fields {
		if string(name) == f.name && f.value != nil && *f.value == nil {
			*f.value = new(s.Bool())
			return
		}
	}
	for _, f := range fields {
		if strings.EqualFold(string(name), f.name) {
			s.Fail()
		}
	}
	s.Skip()
}
