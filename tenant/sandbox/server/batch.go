package server

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

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

	outer := outer{e, token, base(r), r.Header.Get("Authorization")}
	var first *turn
	var latency time.Duration
	for i := range parts {
		p := &parts[i]
		if p.refusal = s.partTurn(&outer, p, first == nil); p.refusal == nil {
			first = cmp.Or(first, &p.turn)
			latency = max(latency, p.turn.latency)
		}
	}
	fault := ""
	if first != nil {
		fault = first.fault
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	s.perform(w, r, fault, latency, func() reply {
		replies := make([][2]int, len(parts)) // where each begins in buf, and ends
		for i := range parts {
			replies[i][0] = buf.Len()
			buf.Write(s.appendReply(buf.AvailableBuffer(), r, &parts[i]))
			replies[i][1] = buf.Len()
		}
		if first != nil {
			rand.New(&first.chance.pcg).Shuffle(len(replies), func(i, j int) { replies[i], replies[j] = replies[j], replies[i] })
		}
		start := buf.Len()
		buf.WriteString(`{"responses":[`)
		for i, at := range replies {
			if i > 0 {
				buf.WriteByte(',')
			}
			buf.Write(buf.Bytes()[at[0]:at[1]])
		}
		buf.WriteString("]}")
		return reply{status: http.StatusOK, body: buf.Bytes()[start:]}
	})
}

// An outer is the request that a batch is, as far as it matters for its parts.
type outer struct {
	endpoint
	token, base, authorization string
}

// partTurn sets the turn of p, or returns the refusal if it gets none.
func (s *Server) partTurn(outer *outer, p *part, whole bool) *reply {
	malformed := func(status int, text string) *reply { return new(s.malformed(outer.path(), status, text)) }
	path, ok := strings.CutPrefix(p.URL, outer.base)
	path, query, _ := strings.Cut(path, "?")
	if !ok || !strings.HasPrefix(path, "/") {
		return malformed(http.StatusNotFound, "url: want an absolute one, of the server that the batch was sent to")
	}
	var q url.Values
	var err error
	if query != "" {
		if q, err = url.ParseQuery(query); err != nil {
			return malformed(http.StatusBadRequest, "url: bad query")
		}
	}
	e, ok := parseEndpoint(path)
	if !ok || e.name != invokeCommand || e.organization != outer.organization {
		return malformed(http.StatusNotFound, "url: want InvokeCommand, and of the organization that the batch was sent to")
	}
	if p.Method != e.method() {
		return malformed(http.StatusMethodNotAllowed, "The requested resource does not support http method '"+p.Method+"'.")
	}
	for name, value := range p.Headers {
		if h := p.header(name); h != nil {
			*h = value
		}
	}
	token := outer.token
	if own := p.authorization; own != "" && own != outer.authorization {
		var refusal *reply
		if token, refusal = s.admit(own, e.id()); refusal != nil {
			return refusal
		}
	}
	if refusal := s.throttle(nil); refusal != nil {
		return refusal
	}
	if p.input.Identity == "" { // not scanned
		if p.input, err = parseInput(p.Body); err != nil {
			return malformed(http.StatusBadRequest, err.Error())
		}
	}
	c, err := p.input.cmdlet(p.contentType, p.cmdletName)
	if err != nil {
		return malformed(http.StatusBadRequest, err.Error())
	}
	p.turn = s.turn(e, c, q.Get("$skiptoken"), token, whole)
	return nil
}

// appendReply runs p, and appends the reply to it. What is not JSON is a string of it.
func (s *Server) appendReply(b []byte, r *http.Request, p *part) []byte {
	var re reply
	if p.refusal != nil {
		re = *p.refusal
	} else {
		re = s.answer(r, &p.turn)
	}
	b = append(b, `{"id":`...)
	b = appendString(b, p.ID)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(re.status), 10)
	b = append(b, `,"headers":{"Content-Type":"`...)
	b = append(b, re.contentType()...)
	b = append(b, '"')
	for i, text := range re.header {
		b = append(b, ",:"[i%2])
		b = appendString(b, text)
	}
	b = append(b, `},"body":`...)
	if re.kind != "" {
		b = appendString(b, string(re.body))
	} else {
		b = re.appendBody(b)
	}
	return append(b, '}')
}
