package tenant

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"
)

// Reason returns the message of the error in the body of a reply, or "" if the body is
// no error in JSON. The form is that of the service of Viva Insights, in whatever
// case, alone or as the member "error". The reason is often in the details, which
// Microsoft's module does not show.
func Reason(body []byte) string {
	type fault struct {
		Code, Message string
		Details       []struct{ Code, Message string }
	}
	var b struct {
		fault
		Error fault
	}
	// What has another form is left out, and the rest is there.
	err := json.Unmarshal(body, &b)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !ok {
		return ""
	}
	f := b.fault
	if f.Message == "" && f.Code == "" {
		f = b.Error
	}
	text := cmp.Or(f.Message, f.Code)
	for _, d := range f.Details {
		if d := strings.TrimSpace(cmp.Or(d.Message, d.Code)); d != "" {
			if text != "" && !strings.HasSuffix(text, ".") {
				text += ":"
			}
			text = strings.TrimSpace(text + " " + d)
		}
	}
	return strings.TrimSpace(text)
}
