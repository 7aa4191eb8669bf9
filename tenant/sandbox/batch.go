package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// maxParts is how many requests a batch may have.
const maxParts = 10

// A part is a request in a batch.
type part struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// A partReply is what is said of a part.
type partReply struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body,omitempty"`
}

// parseBatch reads the body of a batch. Its error is for the client. What is
// wrong with a part alone is not looked into.
func parseBatch(contentType string, body []byte) ([]part, error) {
	if !isJSON(contentType) {
		return nil, fmt.Errorf("Content-Type %q: want application/json", contentType)
	}
	var batch struct {
		Requests []part `json:"requests"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&batch); err != nil {
		return nil, errors.New("body: want requests in JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("body: more after the requests")
	}
	if n := len(batch.Requests); n < 1 || n > maxParts {
		return nil, fmt.Errorf("batch of %d requests: want 1 to %d", n, maxParts)
	}
	seen := make(map[string]bool)
	for _, p := range batch.Requests {
		if p.ID == "" || seen[p.ID] {
			return nil, fmt.Errorf("id %q: want one for each request, and each another", p.ID)
		}
		seen[p.ID] = true
	}
	return batch.Requests, nil
}

// batch replies to the batch r, sent to e with the token. Its parts have the
// faults that a part can have; those that befall a request are for the first of
// them to draw. The reply takes as long as the slowest part.
func (s *Server) batch(w http.ResponseWriter, r *http.Request, e endpoint, token string, body []byte) {
	parts, err := parseBatch(r.Header.Get("Content-Type"), body)
	if err != nil {
		s.malformed(e.path(), http.StatusBadRequest, err.Error()).write(w)
		return
	}
	s.tally.add(&s.tally.counts.Batches)

	turns := make([]*turn, len(parts))     // nil for what gets none
	refusals := make([]*reply, len(parts)) // of those
	var first *turn
	var latency time.Duration
	for i, p := range parts {
		t, refusal := s.partTurn(r, e, token, p, first == nil)
		turns[i], refusals[i] = t, refusal
		if t != nil {
			first = cmp.Or(first, t)
			latency = max(latency, t.latency)
		}
	}
	fault := ""
	if first != nil {
		fault = first.fault
	}
	s.perform(w, r, fault, latency, func() reply {
		replies := make([]partReply, len(parts))
		for i, p := range parts {
			re := refusals[i]
			if re == nil {
				re = new(s.answer(r, turns[i]))
			}
			replies[i] = re.part(p.ID)
		}
		if first != nil {
			rand.New(&first.chance.pcg).Shuffle(len(replies), func(i, j int) { replies[i], replies[j] = replies[j], replies[i] })
		}
		b, err := json.Marshal(map[string]any{"responses": replies})
		if err != nil {
			panic("sandbox: " + err.Error())
		}
		return reply{status: http.StatusOK, body: b}
	})
}

// partTurn returns the turn of p, or the refusal if it gets none. Outer is where
// the batch was sent to, with the token.
func (s *Server) partTurn(r *http.Request, outer endpoint, token string, p part, whole bool) (*turn, *reply) {
	malformed := func(status int, text string) (*turn, *reply) {
		return nil, new(s.malformed(outer.path(), status, text))
	}
	u, err := url.Parse(p.URL)
	if err != nil || u.Scheme+"://"+u.Host != base(r) {
		return malformed(http.StatusNotFound, "url: want an absolute one, of the server that the batch was sent to")
	}
	e, ok := parseEndpoint(u.Path)
	if !ok || e.name != invokeCommand || e.organization != outer.organization {
		return malformed(http.StatusNotFound, "url: want InvokeCommand, and of the organization that the batch was sent to")
	}
	if p.Method != e.method() {
		return malformed(http.StatusMethodNotAllowed, "The requested resource does not support http method '"+p.Method+"'.")
	}
	h := make(http.Header)
	for name, value := range p.Headers {
		h.Set(name, value)
	}
	if own := h.Get("Authorization"); own != "" {
		var refusal *reply
		if token, refusal = s.admit(own, e); refusal != nil {
			return nil, refusal
		}
	}
	if refusal := s.throttle(); refusal != nil {
		return nil, refusal
	}
	c, err := parseRequest(h, p.Body)
	if err != nil {
		return malformed(http.StatusBadRequest, err.Error())
	}
	return s.turn(e, c, u.Query().Get("$skiptoken"), token, whole), nil
}

// part returns r as the reply to the part called id. What is not JSON is a
// string of it.
func (r reply) part(id string) partReply {
	headers := map[string]string{"Content-Type": r.contentType()}
	for i := 0; i < len(r.header); i += 2 {
		headers[r.header[i]] = r.header[i+1]
	}
	body := r.bytes()
	if r.kind != "" {
		body = appendJSON(nil, string(body))
	}
	return partReply{id, r.status, headers, body}
}
