package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"rollcall/tenant"
)

// How much of a reply is read.
const (
	maxPage  = 16 << 20  // of one that has objects
	maxFault = 64 << 10  // of one that says what went wrong
	maxDrain = 256 << 10 // beyond that, so that the connection can be used again
)

// A reply is what was read of an HTTP response.
type reply struct {
	status int
	header http.Header
	body   []byte // without the padding; good until release
	cut    error  // what kept the rest of the body from being read, or nil
	large  bool   // the body has more than is read of one
	token  string // the token of the request, which no text may show

	buffer *bytes.Buffer // what body is in, or nil
	free   func()        // of a part: tells the batch, which has the buffer, or nil
}

// buffers are those that no reply has in use.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readReply reads resp, of a request with that many cmdlets, and closes its
// body.
func readReply(resp *http.Response, token string, cmdlets int) *reply {
	defer resp.Body.Close()
	r := &reply{status: resp.StatusCode, header: resp.Header, token: token}
	r.buffer = buffers.Get().(*bytes.Buffer)
	r.buffer.Reset()
	if r.status == http.StatusSwitchingProtocols {
		// What follows is not a body, and no context ends it.
		return r
	}

	limit := int64(maxFault)
	if r.succeeded() {
		limit = int64(cmdlets) * maxPage
	}
	if n := resp.ContentLength; n > 0 && n < 1<<20 {
		r.buffer.Grow(int(n) + bytes.MinRead) // or reading its end makes it grow
	}
	_, r.cut = r.buffer.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if int64(r.buffer.Len()) > limit {
		r.large = true
		r.buffer.Truncate(int(limit))
		io.CopyN(io.Discard, resp.Body, maxDrain)
	}
	r.body = trimPadding(r.buffer.Bytes())
	return r
}

// trimPadding returns b without a byte order mark before it, and NULs and
// space around it. A body of NULs is one that a 403 is seen with.
func trimPadding(b []byte) []byte {
	return bytes.Trim(bytes.TrimPrefix(b, []byte("\uFEFF")), "\x00 \t\r\n")
}

// release gives up the body. That of a part is the batch's, until all parts have
// given up theirs.
func (r *reply) release() {
	if r.free != nil {
		r.free()
		r.free = nil
	}
	if r.buffer != nil && r.buffer.Cap() <= 1<<20 {
		buffers.Put(r.buffer)
	}
	r.buffer, r.body = nil, nil
}

// succeeded reports whether the status says that the cmdlet ran. It is all
// there is to go by: a Set often writes nothing, and then the body may be
// missing (seen in several public clients).
func (r *reply) succeeded() bool { return r.status/100 == 2 }

// A page is what a request that succeeded brings.
type page struct {
	objects  []tenant.Object
	warnings []string
	next     string   // the link to the next page, or ""
	url      *url.URL // the same, found good
}

// A document is the body of such a reply. What is any has no form that all
// clients agree on.
type document struct {
	Value    any    `json:"value"`
	Warnings any    `json:"@adminapi.warnings"`
	Errors   any    `json:"@adminapi.errors"`
	Error    any    `json:"error"`
	Next     string `json:"@odata.nextLink"`
	BareNext string `json:"odata.nextLink"` // one client looks for it too
}

// page returns what r brings, or a [*tenant.Error] that says what went wrong.
// It may have warnings in both cases.
func (r *reply) page() (page, error) {
	switch {
	case !r.succeeded():
		return page{}, r.fault()
	case r.cut != nil:
		return page{}, r.unreadable(fmt.Errorf("the reply was cut off: %s", tenant.Clean(r.cut.Error(), r.token)))
	case r.large:
		// The same call is answered at the same length again.
		return page{}, &tenant.Error{Status: r.status, Class: tenant.Failed, Err: fmt.Errorf("the reply has more than %d MiB", maxPage>>20)}
	case len(r.body) == 0:
		return page{}, nil
	}
	if p, ok := r.scanPage(); ok {
		return p, nil
	}
	return r.decodePage()
}

// decodePage is page for a body of any form.
func (r *reply) decodePage() (page, error) {
	var d document
	dec := json.NewDecoder(bytes.NewReader(r.body))
	dec.UseNumber()
	err := dec.Decode(&d)
	if err == nil && len(bytes.TrimSpace(r.body[dec.InputOffset():])) != 0 {
		err = errors.New("more after the end")
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return page{}, r.strange("the reply is JSON of another form than expected")
	}
	if err != nil {
		return page{}, r.garbled()
	}

	p := page{next: d.Next}
	if p.next == "" {
		p.next = d.BareNext
	}
	for _, w := range list(d.Warnings) {
		p.warnings = r.appendWarning(p.warnings, w)
	}
	if errs := append(list(d.Error), list(d.Errors)...); len(errs) > 0 {
		return p, r.faultInside(errs)
	}
	p.objects, err = r.objects(d.Value)
	return p, err
}

// appendWarning appends the text of w, if it has one.
func (r *reply) appendWarning(warnings []string, w any) []string {
	if text := tenant.Clean(findMessage(w).text, r.token); text != "" {
		warnings = append(warnings, text)
	}
	return warnings
}

// objects returns the objects of v without the annotations: properties with an
// '@' in the name, which tell the types of others. Values are left as they
// are, for the keys of a table may be addresses.
func (r *reply) objects(v any) ([]tenant.Object, error) {
	if v == nil {
		return nil, nil
	}
	values, ok := v.([]any)
	if !ok {
		return nil, r.strange("the reply's value is not a list of objects")
	}
	objects := make([]tenant.Object, 0, len(values))
	for _, v := range values {
		if v == nil {
			continue
		}
		o, ok := v.(map[string]any)
		if !ok {
			return nil, r.strange("the reply's value is not a list of objects")
		}
		for k := range o {
			if strings.Contains(k, "@") {
				delete(o, k)
			}
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// list returns the elements of v, or v itself if it is not a list, without
// those that say nothing.
func list(v any) []any {
	l, ok := v.([]any)
	switch {
	case v == nil:
		return nil
	case !ok:
		l = []any{v}
	}
	return slices.DeleteFunc(l, func(v any) bool { return v == nil || v == "" })
}
