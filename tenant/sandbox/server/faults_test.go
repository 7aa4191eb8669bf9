package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"rollcall/tenant/sandbox"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
)

// What a client sees of each fault, and whether the change was made.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		fault   string
		changes bool
		check   func(res *http.Response, body string, err error) bool
	}{
		{fault503, false, func(res *http.Response, body string, err error) bool {
			return err == nil && res.StatusCode == 503 && strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain")
		}},
		{faultReset, false, func(res *http.Response, _ string, err error) bool {
			return res == nil && isReset(err)
		}},
		{faultLost, true, func(res *http.Response, _ string, err error) bool {
			return res == nil && isReset(err)
		}},
		{faultTruncated, true, func(res *http.Response, body string, err error) bool {
			return res != nil && res.StatusCode == 200 && body != "" && errors.Is(err, io.ErrUnexpectedEOF)
		}},
		{faultHTML, false, func(res *http.Response, body string, err error) bool {
			return err == nil && strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") && strings.HasPrefix(body, "<!DOCTYPE html>")
		}},
		{faultTransient400, false, func(res *http.Response, body string, err error) bool {
			return err == nil && res.StatusCode == 400 && json.Valid([]byte(body)) && strings.Contains(body, "|"+serverBusy+"|") &&
				res.Header.Get("x-ExceptionType") == serverBusy
		}},
		{faultErrors200, false, func(res *http.Response, body string, err error) bool {
			var v struct {
				Errors []string `json:"@adminapi.errors"`
				Value  []any
			}
			return err == nil && res.StatusCode == 200 && json.Unmarshal([]byte(body), &v) == nil &&
				len(v.Errors) == 1 && strings.Contains(v.Errors[0], "TransientException|") && v.Value != nil && len(v.Value) == 0
		}},
	} {
		t.Run(test.fault, func(t *testing.T) {
			s := &Server{Tenant: sandbox.New(), Faults: Faults{test.fault: 1}}
			server := httptest.NewServer(s)
			defer server.Close()
			res, err := server.Client().Do(newRequest(t, server.URL+path, envelope("Set-UserBriefingConfig ada Enabled=false")))
			var body []byte
			if err == nil {
				body, err = io.ReadAll(res.Body)
				res.Body.Close()
			}
			if !test.check(res, string(body), err) {
				t.Errorf("%v %q %v", res, body, err)
			}
			changed := run(t, s.Tenant, "Get-UserBriefingConfig ada")[0]["IsEnabled"] == false
			if changed != test.changes {
				t.Errorf("changed: %t, want %t", changed, test.changes)
			}
			c := s.Counts()
			if users := map[bool]int{true: 1}[test.changes]; c.UsersSet != users || c.Faults[test.fault] != 1 || c.Requests != 1 {
				t.Errorf("counts %+v", c)
			}
		})
	}
}

// A page of HTML comes as a success, and as a failure.
func TestHTMLStatuses(t *testing.T) {
	s := &Server{Tenant: sandbox.New(), Faults: Faults{faultHTML: 1}}
	statuses := map[int]int{}
	for range 50 {
		statuses[serve(t, s, "Get-Mailbox ada").Code]++
	}
	if statuses[200] < 10 || statuses[502] < 10 || len(statuses) != 2 {
		t.Errorf("statuses %v", statuses)
	}
}

// A request that hangs is let go by the client, or by Close, and holds up no
// shutdown.
func TestHang(t *testing.T) {
	s := &Server{Tenant: sandbox.New(), Faults: Faults{faultHang: 1}}
	arrived := make(chan struct{}, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		s.ServeHTTP(w, r)
	}))
	server.Config.RegisterOnShutdown(func() { s.Close() })
	defer server.Close()

	impatient := server.Client()
	impatient.Timeout = 50 * time.Millisecond
	if res, err := impatient.Do(newRequest(t, server.URL+path, envelope("Get-Mailbox ada"))); err == nil {
		t.Errorf("replied %d", res.StatusCode)
	}

	done := make(chan error)
	go func() {
		_, err := http.DefaultClient.Do(newRequest(t, server.URL+path, envelope("Get-Mailbox ada")))
		done <- err
	}()
	<-arrived
	<-arrived
	if err := server.Config.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("replied to a request that hung")
	}
}

// The object is on the second page, and the link to it is good for a while.
func TestPaged(t *testing.T) {
	s := &Server{Tenant: sandbox.New(), Faults: Faults{faultPaged: 1}}
	server := httptest.NewServer(s)
	defer server.Close()
	post := func(url string) (int, map[string]any) {
		res, err := server.Client().Do(newRequest(t, url, envelope("Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-in")))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, decode(t, string(b))
	}
	_, first := post(server.URL + path)
	link, _ := first["@odata.nextLink"].(string)
	if len(first["value"].([]any)) != 0 || !strings.HasPrefix(link, server.URL+path+"?$skiptoken=") || first["@adminapi.warnings"] == nil {
		t.Fatalf("first page %v", first)
	}
	for range 2 { // it was lost, say
		_, second := post(link)
		values := second["value"].([]any)
		if len(values) != 1 || values[0].(map[string]any)["UserId"] != "ada" || second["@odata.nextLink"] != nil || second["@adminapi.warnings"] != nil {
			t.Errorf("second page %v", second)
		}
	}
	if status, body := post(link + "x"); status != 400 {
		t.Errorf("unknown page: %d %v", status, body)
	}
	if c := s.Counts(); c.Cmdlets["Set-MyAnalyticsFeatureConfig"] != 1 || c.Faults[faultPaged] != 1 || c.Requests != 4 {
		t.Errorf("counts %+v", c)
	}
	// A failure has no pages.
	if w := serve(t, s, "Set-MyAnalyticsFeatureConfig ada PrivacyMode=maybe"); w.Code != 400 || !json.Valid(w.Body.Bytes()) || len(s.pages.byToken) != 1 {
		t.Errorf("%d %s", w.Code, w.Body)
	}

	for range pageLimit {
		s.pages.put(reply{})
	}
	if len(s.pages.byToken) != pageLimit || len(s.pages.tokens) != pageLimit {
		t.Errorf("keeps %d pages", len(s.pages.byToken))
	}
	s.pages.tokens[0].made = time.Now().Add(-pageLife)
	s.pages.expire()
	if len(s.pages.byToken) != pageLimit-1 {
		t.Errorf("keeps pages for good")
	}
}

// Faults befall as many requests as they should, each user the same ones in
// every run of a seed, however requests are scheduled.
func TestSeed(t *testing.T) {
	const users = 2000
	draws := func(seed uint64, workers int) map[string]int {
		s := &Server{Tenant: sandbox.New(), Seed: seed, Faults: Faults{fault503: 0.1, faultTransient400: 0.02, faultTruncated: 0.05}}
		got := make(map[string]int)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for part := range workers {
			wg.Go(func() {
				for i := part; i < users; i += workers {
					for attempt := range 2 {
						w := serve(t, s, fmt.Sprintf("Get-UserBriefingConfig user%d", i))
						mu.Lock()
						got[fmt.Sprint(i, attempt)] = w.Code*10000 + w.Body.Len()
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		for fault, p := range s.Faults {
			if n, want := float64(s.Counts().Faults[fault]), p*2*users; n < want*0.75 || n > want*1.25 {
				t.Errorf("%s befell %v requests, want about %v", fault, n, want)
			}
		}
		return got
	}
	once := draws(1, 1)
	if !maps.Equal(once, draws(1, 8)) {
		t.Error("another schedule met other faults")
	}
	if maps.Equal(once, draws(2, 1)) {
		t.Error("another seed met the same faults")
	}
	both := 0
	for i := range users {
		if once[fmt.Sprint(i, 0)] != once[fmt.Sprint(i, 1)] {
			both++
		}
	}
	if both == 0 {
		t.Error("a second attempt met the fault of the first")
	}
}

func TestParseFaults(t *testing.T) {
	for _, test := range []struct {
		specs []string
		want  Faults
		err   string
	}{
		{nil, Faults{}, ""},
		{[]string{"503:0.02", "hang:1%"}, Faults{"503": 0.02, "hang": 0.01}, ""},
		{[]string{"lost:0.5, paged:50%"}, Faults{"lost": 0.5, "paged": 0.5}, ""},
		{[]string{"503"}, nil, `fault "503": want NAME:PROBABILITY`},
		{[]string{""}, nil, `fault "": want NAME:PROBABILITY`},
		{[]string{"fire:0.1"}, nil, `fault "fire": want one of 503, reset, hang, html, transient400, errors200, lost, truncated, paged, 401, expired, claims, token429, token503, discover503, undiscovered`},
		{[]string{"503:x"}, nil, `fault "503": probability "x": want 0 to 1, or 0% to 100%`},
		{[]string{"503:1.5"}, nil, `fault "503": probability "1.5": want 0 to 1, or 0% to 100%`},
		{[]string{"503:-1%"}, nil, `fault "503": probability "-1%": want 0 to 1, or 0% to 100%`},
		{[]string{"503:NaN"}, nil, `fault "503": probability "NaN": want 0 to 1, or 0% to 100%`},
		{[]string{"503:0.1", "503:0.1"}, nil, `fault "503": given twice`},
		{[]string{"503:1", "token429:0.5,token503:0.5"}, Faults{"503": 1, "token429": 0.5, "token503": 0.5}, ""},
		{[]string{"token429:0.6", "token503:0.6"}, nil, "faults: probabilities add up to 1.2: want 1 at most"},
		{[]string{"503:0.6", "lost:0.6"}, nil, "faults: probabilities add up to 1.2: want 1 at most"},
	} {
		got, err := ParseFaults(test.specs...)
		if text := fmt.Sprint(err); err != nil && text != test.err || err == nil && test.err != "" || !reflect.DeepEqual(got, test.want) {
			t.Errorf("ParseFaults(%q) = %v, %v; want %v, %s", test.specs, got, err, test.want, test.err)
		}
	}
	for _, name := range FaultNames() {
		if !strings.Contains(FaultHelp(), name) {
			t.Errorf("no help for %s", name)
		}
	}
}

func TestServerPanicsOnFaults(t *testing.T) {
	defer func() {
		if p := fmt.Sprint(recover()); !strings.Contains(p, `fault "fire": want one of`) {
			t.Errorf("panic %s", p)
		}
	}()
	(&Server{Tenant: sandbox.New(), Faults: Faults{"fire": 1}}).ServeHTTP(httptest.NewRecorder(), newRequest(t, path, ""))
}

func TestCounts(t *testing.T) {
	s := &Server{Tenant: sandbox.New(), Log: zap.NewNop()}
	for _, line := range []string{
		"Set-UserBriefingConfig ada Enabled=false", "Set-UserBriefingConfig ADA Enabled=false", "Get-UserBriefingConfig ada",
		"Set-CASMailbox bob PopEnabled=false", "Set-CASMailbox cyd PopEnabled=maybe", "Get-CASMailbox dan",
	} {
		serve(t, s, line)
	}
	for range 6 {
		serve(t, s, "Get-UserBriefingConfig eve")
	}
	s.tally.fault(faultLost)
	c := s.Counts()
	const want = `  12  requests
   0  batches
   0  autodiscover
   1  Get-CASMailbox
   7  Get-UserBriefingConfig
   2  Set-CASMailbox
   2  Set-UserBriefingConfig
   2  users set
   1  failed
   1  fault lost
   0  throttled
   0  too many at once
   0  tokens refused
   0  tokens issued
   0  sign-ins refused
   0  malformed
   1  most at once
`
	if got := c.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	b, err := json.Marshal(c)
	if err != nil || string(b) != `{"requests":12,"cmdlets":{"Get-CASMailbox":1,"Get-UserBriefingConfig":7,"Set-CASMailbox":2,"Set-UserBriefingConfig":2},`+
		`"usersSet":2,"failed":1,"faults":{"lost":1},"throttled":0,"tooMany":0,"refusedTokens":0,"malformed":0,"mostAtOnce":1,"batches":0,"discoveries":0,"issuedTokens":0,"refusedSignIns":0}` {
		t.Errorf("%s, %v", b, err)
	}
	c.Cmdlets["X"]++
	if s.Counts().Cmdlets["X"] != 0 {
		t.Error("Counts handed out its own map")
	}
}

// isReset reports whether the other side has reset a connection. Windows has a
// number of its own for that.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.Errno(10054))
}
