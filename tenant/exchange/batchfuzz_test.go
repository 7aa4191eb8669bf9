package exchange

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"testing"

	"rollcall/tenant/internal/errorcases"
	"rollcall/tenant/rest"
)

// Whatever comes as the reply to a batch, what is scanned is what encoding/json
// reads, and no part is answered twice or by a reply with another id.
func FuzzBatchReply(f *testing.F) {
	f.Add([]byte(all))
	f.Add([]byte(`{"responses":[{"id":"0","status":200,"headers":{"Retry-After":"1"},"body":{"value":[{"a":"b"}]}},{"id":"1","status":429,"body":"no"}]}`))
	f.Add([]byte(`{"responses":[{"id":0,"status":1e2,"headers":{"a":["b"]},"body":[1,{"a":"]}"}]},null,7]}`))
	f.Add([]byte(`{ "responses" : [ ] , "error" : "x" }`))
	f.Add([]byte(`{"responses":[{"id":"2","status":200,"body":"\"\\"}],"@odata.context":"x"}`))
	f.Add([]byte(`{"error":null,"responses":[{"id":1,"atomicityGroup":null,"status":200,"headers":null,"body":{"value":[]}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if d, ok := scanBatch(body); ok && json.Valid(body) {
			var want batchDocument
			if err := json.Unmarshal(body, &want); err != nil {
				t.Fatalf("scanned %q, which is not a batch: %v", body, err)
			}
			if got, want := fmt.Sprintf("%+v", d), fmt.Sprintf("%+v", want); got != want {
				t.Errorf("scanned %q as\n%s, want\n%s", body, got, want)
			}
		}
		r := &reply{start: new(property), Reply: &rest.Reply{Status: 200, Body: body, Header: http.Header{}}}
		replies, err := r.split(3)
		if (err == nil) != (len(replies) == 3) {
			t.Fatalf("%d replies and the error %v", len(replies), err)
		}
		if err != nil {
			errorcases.CheckError(t, err, "")
			return
		}
		if !json.Valid(rest.TrimPadding(body)) {
			for _, part := range replies { // scanned: each part is read by itself
				if part.Reply != nil && part.Succeeded() && len(part.Body) > 0 && !json.Valid(part.Body) {
					if p, err := part.page(); err == nil {
						t.Errorf("%q of %q is a success: %v", part.Body, body, p)
					}
				}
			}
		}
		for _, part := range replies {
			if part.Reply == nil {
				continue
			}
			if _, err := part.page(); err != nil {
				errorcases.CheckError(t, err, "")
			}
		}
	})
}

// A page that is scanned is the one that encoding/json reads, whatever the names in the one
// before.
func FuzzScanPage(f *testing.F) {
	f.Add([]byte(benchReply))
	f.Add([]byte(`{"@adminapi.warnings":["a",""," b "],"value":[]}`))
	f.Add([]byte(`{"value":[{"a":"b","a":true,"b@c":"d"},{}],"@odata.context":"x"} `))
	f.Add([]byte(`{"value":[{"a":1,"b":2,"c":3},{"a":4,"c":5},{"b":6},{"a":7,"b":8,"bc":9}]}`))
	start := new(property)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := &reply{start: start, Reply: &rest.Reply{Status: 200, Body: body, Header: http.Header{}}}
		got, ok := r.scanPage()
		if !ok {
			return
		}
		want, err := r.decodePage()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is\n%+v, want\n%+v, %v", body, got, want, err)
		}
	})
}
