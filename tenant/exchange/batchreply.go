package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync/atomic"

	"rollcall/tenant"
	"rollcall/tenant/jsonscan"
	"rollcall/tenant/rest"
)

// A partReply is the reply to one part, in a batch's reply.
type partReply struct {
	ID      json.RawMessage `json:"id"`
	Status  int             `json:"status"`
	Headers json.RawMessage `json:"headers"`
	Body    json.RawMessage `json:"body"`
}

// A batchDocument is the body of a batch's reply.
type batchDocument struct {
	Responses []partReply `json:"responses"`
	Error     any         `json:"error"`
}

// send sends parts as one batch, and gives each its answer, whether or not its caller
// is still there.
func (b *Batcher) send(ctx context.Context, parts []*part) {
	r, err := b.client.send(ctx, &call{parts: parts})
	var replies []reply
	if err == nil {
		replies, err = r.split(len(parts))
	}
	if err == nil {
		b.taken.Store(true)
	} else {
		err = b.outer(r, err)
	}
	for i, p := range parts {
		switch {
		case err != nil:
			p.answer = outerAnswer(err)
		case replies[i].Reply == nil:
			p.answer.err = &tenant.Error{Status: r.Status, Class: tenant.Unavailable, Err: errors.New("the batch's reply has no clear answer to this cmdlet")}
		default:
			p.answer.reply = &replies[i]
		}
	}
}

// outer returns the error of a batch that failed as a whole with err; r is nil
// if there was no reply.
//
// If a batch is refused permanently, the cause is one part, or the tenant accepts no
// batches. As the cause is not known, no part fails: each is sent alone. But if the first
// batch is refused with a status that means that the service has no batches, no other is
// sent.
func (b *Batcher) outer(r *reply, err error) error {
	e, ok := errors.AsType[*tenant.Error](err)
	if !ok || r == nil {
		return err
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		if !b.taken.Load() && (!e.Transient() || e.Status == http.StatusNotImplemented) {
			e.Class = tenant.Unauthorized
			e.Err = fmt.Errorf("%w: %w", ErrNoBatch, e.Err)
			return e
		}
	}
	if e.Class == tenant.Failed || e.Class == tenant.NotFound || e.Class == tenant.Denied {
		e.Class = tenant.Unavailable
	}
	e.Err = fmt.Errorf("batch: %w", e.Err)
	return e
}

// outerAnswer returns the answer of one of the parts of a batch that failed with
// err. Each caller fills in its error, so each part gets a copy.
func outerAnswer(err error) answer {
	e, ok := errors.AsType[*tenant.Error](err)
	if !ok {
		return answer{err: err}
	}
	own := *e
	return answer{err: &own, whole: e.Class == tenant.Throttled}
}

// split returns the replies to the n parts of a batch, of which r is the reply. Each is at the
// index of its id; it has no Reply if there is none, or if it is not clear which one it is. If there
// are n replies, r is released when all of them are.
func (r *reply) split(n int) ([]reply, error) {
	switch {
	case !r.Succeeded():
		return nil, r.fault()
	case r.Cut != nil:
		return nil, r.Torn()
	case r.Large:
		return nil, r.Strange("the reply is too long")
	}
	d, ok := scanBatch(r.Body)
	var err error
	if !ok {
		d = batchDocument{}
		err = json.Unmarshal(r.Body, &d)
	}
	// Members of an unexpected form are left out.
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !ok {
		return nil, r.garbled()
	}
	if d.Responses == nil {
		if errs := list(d.Error); len(errs) > 0 {
			return nil, r.faultInside(errs)
		}
		return nil, r.Strange("the reply to a batch has no responses")
	}
	replies := make([]reply, n)
	var unread atomic.Int32
	unread.Store(int32(n))
	free := func() {
		if unread.Add(-1) == 0 {
			r.release()
		}
	}
	clock := http.Header{}
	if date := r.Header.Get("Date"); date != "" {
		clock.Set("Date", date)
	}
	var twice [MaxBatch]bool
	for _, p := range d.Responses {
		i := p.index(n)
		switch {
		case i < 0:
		case replies[i].Reply != nil, p.Status < 100, p.Status > 599:
			twice[i] = true
		default:
			replies[i] = p.reply(r, clock)
			replies[i].free = free
		}
	}
	for i := range replies {
		if twice[i] {
			replies[i] = reply{}
		}
	}
	return replies, nil
}

// scanBatch reads body if its members have the usual names, and reports whether they have. It
// does not check whether the bodies of parts are JSON.
func scanBatch(body []byte) (d batchDocument, ok bool) {
	s := jsonscan.New(body)
	for s.Open('{'); s.More('}'); {
		switch name := s.Name(); {
		case string(name) == "responses" && d.Responses == nil:
			d.Responses = make([]partReply, 0, MaxBatch)
			for s.Open('['); s.More(']'); {
				d.Responses = append(d.Responses, scanPart(s))
			}
		case string(name) == "error":
			d.Error = s.Value()
		default:
			skip(s, name, "responses", "error")
		}
	}
	return d, s.Done()
}

func scanPart(s *jsonscan.Scanner) partReply {
	var p partReply
	for s.Open('{'); s.More('}'); {
		switch name := s.Name(); string(name) {
		case "id":
			p.ID = s.Raw()
		case "status":
			p.Status = s.Uint()
		case "headers":
			p.Headers = s.Raw()
		case "body":
			p.Body = s.Raw()
		default:
			skip(s, name, "id", "status", "headers", "body")
		}
	}
	return p
}

// index returns the index of p among n parts, by its id, or -1.
func (p *partReply) index(n int) int {
	id := p.ID
	if len(id) == 3 && id[0] == '"' && id[2] == '"' {
		id = id[1:2]
	}
	if len(id) != 1 || id[0] < '0' || int(id[0]-'0') >= n {
		return -1
	}
	return int(id[0] - '0')
}

// reply returns p as if it were the reply to a separate request. A body that is not JSON is a
// string.
func (p *partReply) reply(outer *reply, clock http.Header) reply {
	r := reply{start: outer.start, Reply: &rest.Reply{Status: p.Status, Header: p.header(clock), Token: outer.Token}}
	r.Body = p.Body
	if len(r.Body) > 0 && r.Body[0] == '"' {
		var s string
		if json.Unmarshal(r.Body, &s) == nil {
			r.Body = []byte(s)
		}
	} else if bytes.Equal(r.Body, []byte("null")) {
		r.Body = nil
	}
	limit := rest.MaxFault
	if r.Succeeded() {
		limit = maxPage
	}
	if len(r.Body) > limit {
		r.Body, r.Large = r.Body[:limit], true
	}
	r.Body = rest.TrimPadding(r.Body)
	return r
}

// header returns p's headers. If p has no date, it takes that of clock, the headers of the
// whole reply. The result must not be changed.
func (p *partReply) header(clock http.Header) http.Header {
	headers := scanHeaders(p.Headers)
	if len(headers) == 0 {
		return clock
	}
	h := maps.Clone(clock)
	for name, v := range headers {
		switch v := v.(type) {
		case string:
			h.Set(name, v)
		case json.Number:
			f, _ := v.Float64()
			h.Set(name, strconv.FormatFloat(f, 'f', -1, 64))
		case []any:
			for _, v := range v {
				if s, ok := v.(string); ok {
					h.Add(name, s)
				}
			}
		}
	}
	return h
}

// scanHeaders reads headers. What is no object has none. It leaves out Content-Type,
// which all parts have and which is not used.
func scanHeaders(raw []byte) (headers map[string]any) {
	s := jsonscan.New(raw)
	for s.Open('{'); s.More('}'); {
		name := s.Name()
		if string(name) == "Content-Type" {
			s.Skip()
			continue
		}
		if headers == nil {
			headers = make(map[string]any)
		}
		headers[string(name)] = s.Value()
	}
	if !s.Done() {
		return nil
	}
	return headers
}
