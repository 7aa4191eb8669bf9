package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/tenant"
)

// The users of a batch in the tests.
var three = []string{"ada", "bob", "cyd"}

// ok is the body of a reply that says whose it is.
func ok(user string) string { return `{"value":[{"Name":"` + user + `"}]}` }

// A partial is a fake tenant that answers a batch with status and text, in which
// @ada is the id of Ada's part, and so on; each single request as it should be.
type partial struct {
	status int
	header http.Header
	text   string
	cut    bool

	mu      sync.Mutex
	batches int
	users   []string // of the last batch
	alone   []string // the users of single requests
	tokens  []string // of all requests
}

func (p *partial) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens = append(p.tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if !strings.HasSuffix(r.URL.Path, "/$batch") {
		user := identity(body)
		p.alone = append(p.alone, user)
		return response(200, nil, ok(user+" alone")), nil
	}
	p.batches++
	var batch struct {
		Requests []struct {
			ID      string
			Headers map[string]string
			Body    json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, err
	}
	text := p.text
	p.users = nil
	for _, part := range batch.Requests {
		if part.Headers["Authorization"] != r.Header.Get("Authorization") {
			return nil, errors.New("a part has another token than the batch")
		}
		p.users = append(p.users, identity(part.Body))
		text = strings.ReplaceAll(text, "@"+identity(part.Body), part.ID)
	}
	resp := response(p.status, p.header, text)
	if p.cut {
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(text[:len(text)/2]), broken{}))
	}
	return resp, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func response(status int, h http.Header, body string) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// identity returns the user of a request.
func identity(body []byte) string {
	var in struct {
		CmdletInput struct{ Parameters struct{ Identity string } }
	}
	json.Unmarshal(body, &in)
	return in.CmdletInput.Parameters.Identity
}

// together runs a Get for each of users at the same time, and returns what came
// of them: the object's name, or class, wait and text of the error.
func together(b *Batcher, users ...string) map[string]string {
	came := make(map[string]string)
	var mu sync.Mutex
	var g sync.WaitGroup
	for _, user := range users {
		g.Go(func() {
			objects, err := b.Run(context.Background(), get.For(user))
			mu.Lock()
			defer mu.Unlock()
			came[user] = outcomeOf(objects, err)
		})
	}
	g.Wait()
	return came
}

func outcomeOf(objects []tenant.Object, err error) string {
	if e, ok := errors.AsType[*tenant.Error](err); ok {
		return fmt.Sprintf("%v %v: %v", e.Class, e.RetryAfter, e)
	}
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, o := range objects {
		names = append(names, fmt.Sprint(o["Name"]))
	}
	return strings.Join(names, ",")
}

// newBatcher returns a Batcher whose batches leave when they have n cmdlets.
func newBatcher(t testing.TB, tr http.RoundTripper, n int, change ...func(*Config)) *Batcher {
	t.Helper()
	change = append(change, func(cfg *Config) { cfg.Transport = tr })
	b := NewBatcher(newClient(t, "", change...), BatchConfig{Size: n, Callers: n, Wait: time.Minute})
	t.Cleanup(b.Close)
	return b
}

const all = `{"responses":[{"id":"@cyd","status":200,"headers":{},"body":` + `{"value":[{"Name":"cyd"}]}` + `},` +
	`{"id":"@ada","status":200,"body":{"value":[{"Name":"ada"}]}},{"id":"@bob","status":200,"body":{"value":[{"Name":"bob"}]}}]}`

// Whatever a tenant answers to a batch, each caller gets what is certainly its
// own, or an error that is.
func TestBatchReplies(t *testing.T) {
	// Ada's and Bob's are as they should be; Cyd's are what the test is about.
	cyd := func(part string) string {
		return `{"responses":[{"id":"@bob","status":200,"headers":{"Content-Type":"application/json"},"body":` + ok("bob") + `}` + part + `,{"body":` + ok("ada") + `,"id":"@ada","status":200}]}`
	}
	const nothing = "unavailable 0s: Get-CASMailbox cyd: the batch's reply has no clear answer to this cmdlet (HTTP 200)"
	for _, test := range []struct {
		name, reply, want string
		alone             bool
	}{
		{"in another order", all, "cyd", false},
		{"missing", cyd(``), nothing, false},
		{"duplicate", cyd(`,{"id":"@cyd","status":200,"body":` + ok("eve") + `},{"id":"@cyd","status":200,"body":` + ok("cyd") + `}`), nothing, false},
		{"unknown id", cyd(`,{"id":"7","status":200,"body":` + ok("cyd") + `}`), nothing, false},
		{"strange ids", cyd(`,{"id":"","status":200},{"id":null},{"id":["@cyd"]},{"id":"0@cyd"},{"id":-1},{"id":1e300},{}`), nothing, false},
		{"id as a number", cyd(`,{"id":@cyd,"status":200,"body":` + ok("cyd") + `}`), "cyd", false},
		{"no body", cyd(`,{"id":"@cyd","status":204,"headers":{}}`), "", false},
		{"null body", cyd(`,{"id":"@cyd","status":200,"body":null}`), "", false},
		{"JSON as a string", cyd(`,{"id":"@cyd","status":200,"body":"{\"value\":[{\"Name\":\"cyd\"}]}"}`), "cyd", false},
		{"further members", cyd(`,{"id":"@cyd","status":200,"atomicityGroup":null,"body":` + ok("cyd") + `}`), "cyd", false},
		{"not found", cyd(`,{"id":"@cyd","status":404,"body":{"error":{"code":"404","message":"no such user"}}}`),
			"not found 0s: Get-CASMailbox cyd: no such user (HTTP 404)", false},
		{"429", cyd(`,{"id":"@cyd","status":429,"headers":{"retry-after":"7"},"body":"slow down"}`),
			"throttled 7s: Get-CASMailbox cyd: slow down (HTTP 429)", false},
		{"Retry-After as a number", cyd(`,{"id":"@cyd","status":503,"headers":{"RETRY-AFTER":7},"body":"busy"}`),
			"throttled 7s: Get-CASMailbox cyd: busy (HTTP 503)", false},
		{"Retry-After as a date", cyd(`,{"id":"@cyd","status":429,"headers":{"Retry-After":["Sun, 22 Nov 2026 10:00:09 GMT"]},"body":"slow down"}`),
			"throttled 9s: Get-CASMailbox cyd: slow down (HTTP 429)", false},
		{"error inside", cyd(`,{"id":"@cyd","status":200,"body":{"@adminapi.errors":["Ex1|A.StorageTransientException|later"]}}`),
			"unavailable 0s: Get-CASMailbox cyd: later (HTTP 200)", false},
		{"HTML", cyd(`,{"id":"@cyd","status":502,"headers":{"Content-Type":"text/html"},"body":"<html><title>Oops</title></html>"}`),
			"unavailable 0s: Get-CASMailbox cyd: an HTML page, Oops (HTTP 502)", false},
		{"HTML as 200", cyd(`,{"id":"@cyd","status":200,"body":"<html><title>Oops</title></html>"}`),
			"unavailable 0s: Get-CASMailbox cyd: the reply is not JSON: an HTML page, Oops (HTTP 200)", false},
		{"not an object", cyd(`,{"id":"@cyd","status":200,"body":[1]}`),
			"failed 0s: Get-CASMailbox cyd: the reply is JSON of another form than expected (HTTP 200)", false},
		{"no status", cyd(`,{"id":"@cyd","body":{}}`), nothing, false},
		{"status as text", cyd(`,{"id":"@cyd","status":"OK","body":{}}`), nothing, false},
		{"next page", cyd(`,{"id":"@cyd","status":200,"body":{"value":[{"Name":"cyd"}],"@odata.nextLink":"https://outlook.office365.com/adminapi/beta/x/InvokeCommand?page=2"}}`),
			"cyd,cyd alone", true},
		{"next page elsewhere", cyd(`,{"id":"@cyd","status":200,"body":{"@odata.nextLink":"https://evil.example/"}}`),
			`failed 0s: Get-CASMailbox cyd: the link to the next page leads away from the endpoint, to "evil.example": not followed`, false},
		{"401", cyd(`,{"id":"@cyd","status":401,"body":"no"}`), "cyd alone", true},
	} {
		tr := &partial{status: 200, text: test.reply, header: http.Header{"Date": {"Sun, 22 Nov 2026 10:00:00 GMT"}}}
		got := together(newBatcher(t, tr, 3, func(cfg *Config) {
			cfg.Token = func(_ context.Context, refused, _ string) (string, error) {
				return token + refused[:min(1, len(refused))], nil
			}
		}), three...)
		for user, want := range map[string]string{"ada": "ada", "bob": "bob", "cyd": test.want} {
			if got[user] != want {
				t.Errorf("%s: %s got\n\t%s, want\n\t%s", test.name, user, got[user], want)
			}
		}
		if tr.batches != 1 || slices.Contains(tr.alone, "cyd") != test.alone || len(tr.alone) > 1 {
			t.Errorf("%s: %d batches, and alone %q", test.name, tr.batches, tr.alone)
		}
		if wantToken := token + "a"; strings.Contains(test.name, "401") && tr.tokens[1] != wantToken {
			t.Errorf("%s: the second try has token %q, want %q", test.name, tr.tokens[1], wantToken)
		}
	}
}

// What befalls a batch as a whole befalls each of its cmdlets, with an error of
// its own; but none fails for good for what another may have done.
func TestBatchFails(t *testing.T) {
	h := func(kv ...string) http.Header { return http.Header{kv[0]: {kv[1]}} }
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		text   string
		cut    bool
		want   string // ahead of the user, and after
		taken  string // the same if the tenant has taken a batch before
		next   string // how the same cmdlets are sent next
	}{
		{"429", 429, h("Retry-After", "3"), "slow down", false, "throttled 3s|batch: slow down (HTTP 429)", "", "batch"},
		{"concurrency", 400, nil, "You have reached the maximum number of concurrent requests per tenant.", false,
			"throttled 0s|batch: You have reached the maximum number of concurrent requests per tenant. (HTTP 400)", "", "batch"},
		{"503", 503, nil, "down", false, "unavailable 0s|batch: down (HTTP 503)", "", "alone"},
		{"403", 403, nil, "no", false, "unauthorized 0s|the tenant takes no batches: no (HTTP 403)", "unavailable 0s|batch: no (HTTP 403)", "batch"},
		{"401", 401, nil, "no", false, "unavailable 0s|batch: no (HTTP 401)", "", "alone"},
		{"HTML", 200, nil, "<html><title>Proxy</title>", false, "unavailable 0s|batch: the reply is not JSON: an HTML page, Proxy (HTTP 200)", "", "alone"},
		{"cut off", 200, nil, all, true, "unavailable 0s|batch: the reply was cut off: unexpected EOF (HTTP 200)", "", "alone"},
		{"half", 200, nil, all[:90], false, "", "", "alone"},
		{"nothing", 200, nil, "", false, "unavailable 0s|batch: the reply is not JSON: ok (HTTP 200)", "", "alone"},
		{"no responses", 200, nil, `{}`, false, "unavailable 0s|batch: the reply to a batch has no responses (HTTP 200)", "", "alone"},
		{"no list", 200, nil, `{"responses":"x"}`, false, "unavailable 0s|batch: the reply to a batch has no responses (HTTP 200)", "", "alone"},
		{"error inside", 200, nil, `{"error":{"message":"bad"}}`, false, "unavailable 0s|batch: bad (HTTP 200)", "", "alone"},
		{"404", 404, nil, "no such path", false, "unauthorized 0s|the tenant takes no batches: no such path (HTTP 404)",
			"unavailable 0s|batch: no such path (HTTP 404)", "batch"},
		{"400", 400, nil, "no such thing", false, "unauthorized 0s|the tenant takes no batches: no such thing (HTTP 400)",
			"unavailable 0s|batch: no such thing (HTTP 400)", "batch"},
		{"501", 501, nil, "no", false, "unauthorized 0s|the tenant takes no batches: no (HTTP 501)", "unavailable 0s|batch: no (HTTP 501)", "batch"},
		{"transient 400", 400, nil, "x|A.ServerBusyException|later", false, "unavailable 0s|batch: later (HTTP 400)", "", "alone"},
	} {
		for _, taken := range []bool{false, true} {
			tr := &partial{status: 200, text: all}
			b := newBatcher(t, tr, 3)
			want, next := test.want, test.next
			if taken {
				together(b, three...)
				if test.taken != "" {
					want, next = test.taken, "alone"
				}
			}
			tr.status, tr.header, tr.text, tr.cut = test.status, test.header, test.text, test.cut
			before, after, _ := strings.Cut(want, "|")
			for user, got := range together(b, three...) {
				if want := before + ": Get-CASMailbox " + user + ": " + after; got != want && test.want != "" {
					t.Errorf("%s: %s got\n\t%s, want\n\t%s", test.name, user, got, want)
				}
			}
			tr.status, tr.header, tr.text, tr.cut = 200, nil, all, false
			suffix := map[string]string{"alone": " alone", "batch": ""}[next]
			for user, got := range together(b, three...) {
				if got != user+suffix {
					t.Errorf("%s: the second time %s got %s, want %s", test.name, user, got, user+suffix)
				}
			}
		}
	}
}
