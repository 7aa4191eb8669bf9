package server

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
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/tenant/jsonscan"
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

	// Instead of Headers and Body, in a part that was scanned.
	headers headers
	input   *input
}

// An answered part is the id that it had, and the reply to it.
type answered struct {
	id string
	reply
}

// Headers are those of a part.
type headers []header

type header struct{ name, value string }

// Get returns the value of the header called name, in whatever case, or "".
func (h headers) Get(name string) string {
	for _, one := range h {
		if strings.EqualFold(one.name, name) {
			return one.value
		}
	}
	return ""
}

func (h headers) has(name string) bool {
	return slices.ContainsFunc(h, func(one header) bool { return strings.EqualFold(one.name, name) })
}

// parseBatch reads the body of a batch. Its error is for the client. What is
// wrong with a part alone is not looked into.
func parseBatch(contentType string, body []byte) ([]part, error) {
	if !isJSON(contentType) {
		return nil, fmt.Errorf("Content-Type %q: want application/json", contentType)
	}
	parts, ok := scanParts(body)
	if !ok {
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
		parts = batch.Requests
	}
	if n := len(parts); n < 1 || n > maxParts {
		return nil, fmt.Errorf("batch of %d requests: want 1 to %d", n, maxParts)
	}
	for i, p := range parts {
		if p.ID == "" || slices.ContainsFunc(parts[:i], func(q part) bool { return p.ID == q.ID }) {
			return nil, fmt.Errorf("id %q: want one for each request, and each another", p.ID)
		}
	}
	return parts, nil
}

// scanParts reads the body of a batch that is written as most are, and reports
// whether it is. It leaves the bodies of parts alone, which are in body.
func scanParts(body []byte) ([]part, bool) {
	s := jsonscan.New(body)
	s.Open('{')
	var parts []part
	for s.More('}') {
		if string(s.Name()) != "requests" || parts != nil {
			s.Fail()
		}
		parts = make([]part, 0, maxParts)
		for s.Open('['); s.More(']'); {
			parts = append(parts, scanPart(s))
		}
	}
	return parts, s.Done()
}

func scanPart(s *jsonscan.Scanner) part {
	var p part
	for s.Open('{'); s.More('}'); {
		switch string(s.Name()) {
		case "id":
			p.ID = string(s.Text())
		case "method":
			p.Method = string(s.Text())
		case "url":
			p.URL = string(s.Text())
		case "headers":
			if p.headers != nil {
				s.Fail()
			}
			p.headers = make(headers, 0, 8)
			for s.Open('{'); s.More('}'); {
				name := string(s.Name())
				if p.headers.has(name) {
					s.Fail()
				}
				p.headers = append(p.headers, header{name, string(s.Text())})
			}
		case "body":
			p.input = scanInput(s)
		default:
			s.Fail()
		}
	}
	return p
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
		replies := make([]answered, len(parts))
		for i, p := range parts {
			re := refusals[i]
			if re == nil {
				re = new(s.answer(r, turns[i]))
			}
			replies[i] = answered{p.ID, *re}
		}
		if first != nil {
			rand.New(&first.chance.pcg).Shuffle(len(replies), func(i, j int) { replies[i], replies[j] = replies[j], replies[i] })
		}
		b := make([]byte, 0, 1024*len(replies)) // more than most need
		b = append(b, `{"responses":[`...)
		for i, p := range replies {
			if i > 0 {
				b = append(b, ',')
			}
			b = p.append(b)
		}
		return reply{status: http.StatusOK, body: append(b, "]}"...)}
	})
}

// partTurn returns the turn of p, or the refusal if it gets none. Outer is where
// the batch was sent to, with the token.
func (s *Server) partTurn(r *http.Request, outer endpoint, token string, p part, whole bool) (*turn, *reply) {
	malformed := func(status int, text string) (*turn, *reply) {
		return nil, new(s.malformed(outer.path(), status, text))
	}
	path, ok := strings.CutPrefix(p.URL, base(r))
	path, query, _ := strings.Cut(path, "?")
	if !ok || !strings.HasPrefix(path, "/") {
		return malformed(http.StatusNotFound, "url: want an absolute one, of the server that the batch was sent to")
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		return malformed(http.StatusBadRequest, "url: bad query")
	}
	e, ok := parseEndpoint(path)
	if !ok || e.name != invokeCommand || e.organization != outer.organization {
		return malformed(http.StatusNotFound, "url: want InvokeCommand, and of the organization that the batch was sent to")
	}
	if p.Method != e.method() {
		return malformed(http.StatusMethodNotAllowed, "The requested resource does not support http method '"+p.Method+"'.")
	}
	h := p.headers
	for name, value := range p.Headers {
		h = append(h, header{name, value})
	}
	if own := h.Get("Authorization"); own != "" && own != r.Header.Get("Authorization") {
		var refusal *reply
		if token, refusal = s.admit(own, e.id()); refusal != nil {
			return nil, refusal
		}
	}
	if refusal := s.throttle(); refusal != nil {
		return nil, refusal
	}
	if p.input == nil {
		if p.input, err = parseInput(p.Body); err != nil {
			return malformed(http.StatusBadRequest, err.Error())
		}
	}
	c, err := p.input.request(h)
	if err != nil {
		return malformed(http.StatusBadRequest, err.Error())
	}
	return s.turn(e, c, q.Get("$skiptoken"), token, whole), nil
}

// append appends p to b. What is not JSON is a string of it.
func (p answered) append(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = appendJSON(b, p.id)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(p.status), 10)
	b = append(b, `,"headers":{"Content-Type":`...)
	b = appendJSON(b, p.contentType())
	for i, text := range p.header {
		b = append(b, ",:"[i%2])
		b = appendJSON(b, text)
	}
	b = append(b, '}')
	switch {
	case p.kind != "":
		b = append(b, `,"body":`...)
		b = appendJSON(b, string(p.bytes()))
	case p.body != nil || p.head != "":
		b = append(b, `,"body":`...)
		b = p.appendBody(b)
	}
	return append(b, '}')
}
