package server

import (
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"rollcall/tenant/sandbox"
	"strings"
	"testing"
)

// Faults that a part can have are each part's own.
func TestBatchFaults(t *testing.T) {
	s := &Server{Tenant: sandbox.New(), Faults: Faults{fault503: 0.2, faultHTML: 0.2, faultTransient400: 0.2, faultErrors200: 0.2}}
	seen := map[string]int{}
	for range 10 {
		_, replies := serveBatch(t, s, "x", batchOfParts(numbered(10)...))
		for _, re := range replies {
			switch body := string(re.Body); {
			case re.Status == 503 && body == `"The service is unavailable."`:
				seen[fault503]++
			case strings.HasPrefix(re.Headers["Content-Type"], "text/html") && strings.Contains(body, "DOCTYPE html"):
				seen[faultHTML]++
			case re.Status == 400 && re.Headers["x-ExceptionType"] == serverBusy && strings.HasPrefix(body, `{"error"`):
				seen[faultTransient400]++
			case re.Status == 200 && strings.Contains(body, "@adminapi.errors"):
				seen[faultErrors200]++
			case re.Status == 200:
			default:
				t.Errorf("%+v %s", re, body)
			}
		}
	}
	for fault := range s.Faults {
		if seen[fault] < 5 || seen[fault] != s.Counts().Faults[fault] {
			t.Errorf("%s: %d seen, %d counted", fault, seen[fault], s.Counts().Faults[fault])
		}
	}
}

// A part's second page is where its link says, for whoever follows it.
func TestBatchPaged(t *testing.T) {
	s := &Server{Tenant: sandbox.New(), Faults: Faults{faultPaged: 1}}
	_, replies := serveBatch(t, s, "x", batchOfParts(part{ID: "0", Body: json.RawMessage(envelope("Get-Mailbox ada"))}))
	link, _ := decode(t, string(replies["0"].Body))["@odata.nextLink"].(string)
	if !strings.HasPrefix(link, here+path+"?$skiptoken=") {
		t.Fatalf("link %q", link)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, newRequest(t, link, envelope("Get-Mailbox ada")))
	_, replies = serveBatch(t, s, "x", batchOfParts(part{ID: "0", URL: link, Body: json.RawMessage(envelope("Get-Mailbox ada"))}))
	for _, body := range []string{w.Body.String(), string(replies["0"].Body)} {
		if values, _ := decode(t, body)["value"].([]any); len(values) != 1 {
			t.Errorf("second page %s", body)
		}
	}
}

// Faults of a request befall a batch as a whole, as often as one request.
func TestBatchWholeFaults(t *testing.T) {
	for _, test := range []struct {
		fault string
		set   int // users
	}{{faultReset, 0}, {faultLost, 10}, {faultTruncated, 10}} {
		s := &Server{Tenant: sandbox.New(), Faults: Faults{test.fault: 1}}
		server := httptest.NewServer(s)
		defer server.Close()
		body := strings.ReplaceAll(batchOfParts(numbered(10)...), here, server.URL)
		res, err := server.Client().Do(newRequest(t, server.URL+batchPath, body))
		if err == nil {
			_, err = io.ReadAll(res.Body)
			res.Body.Close()
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: %v", test.fault, err)
			}
		}
		if c := s.Counts(); err == nil || c.UsersSet != test.set || c.Faults[test.fault] != 1 || c.Cmdlets["Set-UserBriefingConfig"] != 10 {
			t.Errorf("%s: %v, counts %+v", test.fault, err, c)
		}
	}
}
