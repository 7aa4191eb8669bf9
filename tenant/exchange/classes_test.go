package exchange

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/tenant/internal/errorcases"
	"rollcall/tenant/rest"
)

// An error has the class that it has by way of the module, in whichever form it
// comes.
func TestClasses(t *testing.T) {
	for _, c := range errorcases.All {
		header := http.Header{}
		if c.Wait != "" {
			header.Set("Retry-After", c.Wait)
		}
		bodies := []string{c.Text, details(c.Text), errorBody(`"innererror":{"internalexception":{"message":%q}}`, c.Text)}
		if c.Exception != "" {
			header.Set("X-Exceptiontype", c.Exception)
			bodies = append(bodies, details("Ex1|"+c.Exception+"|"+c.Text),
				errorBody(`"innererror":{"internalexception":{"message":%q,"type":%q}}`, c.Text, c.Exception))
		}
		for _, body := range bodies {
			e := (&reply{Reply: &rest.Reply{Status: c.Status, Header: header, Body: []byte(body)}}).fault()
			if hint := strings.Contains(e.Err.Error(), "Active Directory there"); e.Class != c.Class || hint != c.Hint {
				t.Errorf("%d %v %s: %v, %v; want %v, hint %v", c.Status, header, body, e.Class, e, c.Class, c.Hint)
			}
		}
	}
}

// A refusal of the caller that shows in the category alone is one, too.
func TestCategory(t *testing.T) {
	for _, code := range []string{`"PermissionDenied"`, `"18"`, `18`} {
		r := reply{Reply: &rest.Reply{Status: 400, Body: []byte(`{"error":{"details":[{"code":` + code + `,"message":"no"}]}}`)}}
		if e := r.fault(); e.Class.Error() != "denied" {
			t.Errorf("%s: %v", code, e.Class)
		}
	}
}
