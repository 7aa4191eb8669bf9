package exchange

import (
	"net/http"
	"testing"

	"rollcall/tenant/internal/errorcases"
	"rollcall/tenant/rest"
)

// Whatever comes as the reply to a batch, each cmdlet has one answer or none, and the
// errors are fit to be shown.
func FuzzBatchReply(f *testing.F) {
	f.Add([]byte(all))
	f.Add([]byte(`{"responses":[{"id":"0","status":200,"headers":{"Retry-After":"1"},"body":{"value":[{"a":"b"}]}},{"id":"1","status":429,"body":"no"}]}`))
	f.Add([]byte(`{"responses":[{"id":0,"status":1e2,"headers":{"a":["b"]},"body":[1,{"a":"]}"}]},null,7]}`))
	f.Add([]byte(`{ "responses" : [ ] , "error" : "x" }`))
	f.Add([]byte(`{"responses":[{"id":"2","status":200,"body":"\"\\"}],"@odata.context":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := &reply{Reply: &rest.Reply{Status: 200, Body: body, Header: http.Header{}}}
		replies, err := r.split(3)
		if (err == nil) != (len(replies) == 3) {
			t.Fatalf("%d replies and the error %v", len(replies), err)
		}
		if err != nil {
			errorcases.CheckError(t, err, "")
			return
		}
		for _, part := range replies {
			if part == nil {
				continue
			}
			if _, err := part.page(); err != nil {
				errorcases.CheckError(t, err, "")
			}
		}
	})
}
