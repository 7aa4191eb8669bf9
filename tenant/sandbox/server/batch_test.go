package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"rollcall/tenant/sandbox"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	batchPath = "/adminapi/beta/" + organization + "/$batch"
	here      = "https://sandbox.test"
)

// A partReply is what a client reads of a part.
type partReply struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// batchOfParts returns the body of a batch, with what its parts leave out.
func batchOfParts(parts ...part) string {
	for i := range parts {
		p := &parts[i]
		if p.Method == "" {
			p.Method = http.MethodPost
		}
		if p.URL == "" {
			p.URL = here + path
		}
		if p.Body == nil {
			p.Body = json.RawMessage(envelope(fmt.Sprintf("Set-UserBriefingConfig user%s Enabled=false", p.ID)))
		}
		headers := map[string]string{"content-type": "application/json"}
		for name, value := range p.Headers {
			headers[name] = value
		}
		p.Headers = headers
	}
	b, err := json.Marshal(map[string]any{"requests": parts})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func numbered(n int) []part {
	parts := make([]part, n)
	for i := range parts {
		parts[i].ID = fmt.Sprint(i)
	}
	return parts
}

// serveBatch has s reply to a batch, and returns the replies to the parts by id.
func serveBatch(t *testing.T, s *Server, token, body string) (*httptest.ResponseRecorder, map[string]partReply) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, here+batchPath, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w, partReplies(t, w.Body.String())
}

func partReplies(t *testing.T, body string) map[string]partReply {
	var v struct{ Responses []partReply }
	if body != "" && json.Unmarshal([]byte(body), &v) != nil {
		t.Fatalf("replied %q", body)
	}
	replies := make(map[string]partReply)
	for _, re := range v.Responses {
		replies[re.ID] = re
	}
	return replies
}

// What becomes of each part, whatever becomes of the others.
func TestBatchParts(t *testing.T) {
	other := strings.Replace(path, "1", "9", 1)
	for _, test := range []struct {
		name   string
		part   part
		status int
	}{
		{"good", part{}, 200},
		{"v1.0", part{URL: here + strings.Replace(path, "beta", "v1.0", 1)}, 200},
		{"own token", part{Headers: map[string]string{"authorization": "Bearer " + secret}}, 200},
		{"wrong token", part{Headers: map[string]string{"Authorization": "Bearer other"}}, 401},
		{"no Bearer", part{Headers: map[string]string{"Authorization": "Basic " + secret}}, 401},
		{"relative", part{URL: path}, 404},
		{"other host", part{URL: "https://outlook.office365.com" + path}, 404},
		{"other scheme", part{URL: "http://sandbox.test" + path}, 404},
		{"other organization", part{URL: here + other}, 404},
		{"batch in a batch", part{URL: here + batchPath}, 404},
		{"no URL", part{URL: ":"}, 404},
		{"page", part{URL: here + path + "?$skiptoken=x"}, 400},
		{"GET", part{Method: http.MethodGet}, 405},
		{"a form", part{Headers: map[string]string{"content-type": "text/plain"}}, 400},
		{"header disagrees", part{Headers: map[string]string{"X-CmdletName": "Get-Mailbox"}}, 400},
		{"string body", part{Body: json.RawMessage(`"x"`)}, 400},
		{"other verb", part{Body: json.RawMessage(envelope("Remove-Mailbox ada"))}, 400},
		{"refused", part{Body: json.RawMessage(envelope("Set-UserBriefingConfig ada Enabled=maybe"))}, 400},
	} {
		s := &Server{Tenant: sandbox.New(), Token: secret}
		test.part.ID = "it"
		w, replies := serveBatch(t, s, secret, batchOfParts(part{ID: "before"}, test.part, part{ID: "after"}))
		if w.Code != 200 || len(replies) != 3 || replies["before"].Status != 200 || replies["after"].Status != 200 || replies["it"].Status != test.status {
			t.Errorf("%s: %d %s, want %d for it and 200 for the others", test.name, w.Code, w.Body, test.status)
			continue
		}
		re := replies["it"]
		if re.Headers["Content-Type"] == "" || (re.Status == 401) != (re.Headers["WWW-Authenticate"] != "") {
			t.Errorf("%s: headers %v", test.name, re.Headers)
		}
		if run(t, s.Tenant, "Get-UserBriefingConfig userbefore")[0]["IsEnabled"] != false {
			t.Errorf("%s: the other is not done", test.name)
		}
		c := s.Counts()
		if c.Requests != 1 || c.Batches != 1 || c.MostAtOnce != 1 || c.Cmdlets["Set-UserBriefingConfig"] < 2 || (test.status == 401) != (c.RefusedTokens == 1) {
			t.Errorf("%s: counts %+v", test.name, c)
		}
	}
}

// What is wrong with a batch as a whole runs nothing of it.
func TestBatchMalformed(t *testing.T) {
	for _, test := range []struct {
		name, body, token string
		status            int
	}{
		{"ten", batchOfParts(numbered(10)...), secret, 200},
		{"eleven", batchOfParts(numbered(11)...), secret, 400},
		{"none", batchOfParts(), secret, 400},
		{"one id twice", batchOfParts(part{ID: "0"}, part{ID: "0"}), secret, 400},
		{"no id", batchOfParts(part{}), secret, 400},
		{"number id", strings.Replace(batchOfParts(numbered(1)...), `"id":"0"`, `"id":0`, 1), secret, 400},
		{"garbage", "{", secret, 400},
		{"more", batchOfParts(numbered(1)...) + "{}", secret, 400},
		{"empty", "", secret, 400},
		{"list", "[]", secret, 400},
		{"null part", `{"requests":[null]}`, secret, 400},
		{"token", batchOfParts(numbered(1)...), "x", 401},
		{"long", batchOfParts(numbered(1)...) + strings.Repeat(" ", maxBody), secret, 413},
	} {
		s := &Server{Tenant: sandbox.New(), Token: secret}
		w, _ := serveBatch(t, s, test.token, test.body)
		if w.Code != test.status {
			t.Errorf("%s: %d %s, want %d", test.name, w.Code, w.Body, test.status)
		}
		c := s.Counts()
		if ran := c.UsersSet > 0; ran != (test.status == 200) || (c.Batches == 1) != ran || c.Requests != 1 {
			t.Errorf("%s: counts %+v", test.name, c)
		}
	}
}

func ids(t *testing.T, w *httptest.ResponseRecorder) string {
	var v struct{ Responses []partReply }
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, re := range v.Responses {
		b.WriteString(re.ID)
	}
	return b.String()
}

// Replies come in an order of their own: the same one for the same seed.
func TestBatchOrder(t *testing.T) {
	order := func(seed uint64) string {
		w, _ := serveBatch(t, &Server{Tenant: sandbox.New(), Seed: seed}, "x", batchOfParts(numbered(10)...))
		return ids(t, w)
	}
	one := order(1)
	sorted := []byte(one)
	slices.Sort(sorted)
	if string(sorted) != "0123456789" || one == "0123456789" || order(1) != one || order(2) == one {
		t.Errorf("orders %s, %s, %s", one, order(1), order(2))
	}
}

// The rate is of cmdlets: those of a batch that are too many are told so each.
func TestBatchThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Tenant: sandbox.New(), Rate: 1, Burst: 4, RetryAfter: 2 * time.Second, MaxConcurrent: 1}
		w, replies := serveBatch(t, s, "x", batchOfParts(numbered(10)...))
		statuses := map[int]int{}
		for _, re := range replies {
			statuses[re.Status]++
			if (re.Status == 429) != (re.Headers["Retry-After"] == "2") || re.Status == 429 && string(re.Body) != `"Too many requests. Please try again later."` {
				t.Errorf("%+v %s", re, re.Body)
			}
		}
		if w.Code != 200 || statuses[200] != 4 || statuses[429] != 6 || w.Header().Get("Retry-After") != "" {
			t.Errorf("%d, parts %v, want 4 of 200 and 6 of 429", w.Code, statuses)
		}
		if c := s.Counts(); c.Throttled != 6 || c.UsersSet != 4 || c.Cmdlets["Set-UserBriefingConfig"] != 4 {
			t.Errorf("counts %+v", c)
		}
	})
}

// A batch takes as long as its slowest part, not as all of them.
func TestBatchLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Tenant: sandbox.New(), Latency: time.Second, Jitter: time.Second}
		var slowest time.Duration
		for i := range 10 {
			one := &Server{Tenant: sandbox.New(), Latency: s.Latency, Jitter: s.Jitter}
			start := time.Now()
			serve(t, one, fmt.Sprintf("Set-UserBriefingConfig user%d Enabled=false", i))
			slowest = max(slowest, time.Since(start))
		}
		start := time.Now()
		serveBatch(t, s, "x", batchOfParts(numbered(10)...))
		if d := time.Since(start); d != slowest {
			t.Errorf("took %v, the slowest of its parts %v", d, slowest)
		}
	})
}

// No body makes the server panic, reply with anything but JSON to a batch, or
// reply to a part that there is not.
func FuzzBatch(f *testing.F) {
	f.Add(batchOfParts(numbered(3)...))
	f.Add(batchOfParts(part{ID: "a", Method: "GET"}, part{ID: "b", URL: "%"}, part{ID: "c", Body: json.RawMessage(`[]`)}))
	f.Add(`{"requests":[{"id":"0","method":"POST","headers":{"":"x"}}]}`)
	f.Add(`{"requests":null}`)
	s := &Server{Tenant: sandbox.New(), Faults: Faults{faultHTML: 0.2, faultPaged: 0.2, faultErrors200: 0.2}}
	f.Fuzz(func(t *testing.T, body string) {
		w, replies := serveBatch(t, s, "x", body)
		if !json.Valid(w.Body.Bytes()) || len(replies) > maxParts || w.Code == 200 && len(replies) == 0 {
			t.Errorf("replied %d %q", w.Code, w.Body)
		}
		for id, re := range replies {
			if id == "" || re.Status < 200 || re.Status > 599 {
				t.Errorf("part %q: %+v", id, re)
			}
		}
	})
}
