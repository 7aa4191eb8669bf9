package rest

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// How many bytes of a reply are read, besides the limit of its request.
const (
	MaxFault = 64 << 10  // of a reply that is not one of success
	maxDrain = 256 << 10 // after that, so that the connection can be used again
)

// A Reply is what was read of an HTTP response.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte // without padding; valid until Release
	Cut    error  // why the rest of the body could not be read, or nil
	Large  bool   // the body is longer than the limit
	Token  string // the token of the request; no text may show it

	Passing bool // of status 401: the same token may be accepted the next time

	buffer *bytes.Buffer // what Body is in, or nil
}

// buffers are the buffers that no reply uses.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readReply reads resp and closes its body. Of a reply of success it reads up to limit
// bytes.
func readReply(resp *http.Response, token string, limit int64) *Reply {
	defer resp.Body.Close()
	r := &Reply{Status: resp.StatusCode, Header: resp.Header, Token: token}
	r.buffer = buffers.Get().(*bytes.Buffer)
	r.buffer.Reset()
	if r.Status == http.StatusSwitchingProtocols {
		// What follows is not a body, and no context ends it.
		return r
	}
	if !r.Succeeded() {
		limit = MaxFault
	}
	if n := resp.ContentLength; n > 0 && n < 1<<20 {
		r.buffer.Grow(int(n) + bytes.MinRead) // or reading its end makes it grow
	}
	_, r.Cut = r.buffer.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if int64(r.buffer.Len()) > limit {
		r.Large = true
		r.buffer.Truncate(int(limit))
		io.CopyN(io.Discard, resp.Body, maxDrain)
	}
	r.Body = TrimPadding(r.buffer.Bytes())
	return r
}

// TrimPadding returns b without a byte order mark at its start, and without NULs and space
// at its ends. A 403 was seen with a body of NULs.
func TrimPadding(b []byte) []byte {
	return bytes.Trim(bytes.TrimPrefix(b, []byte("\uFEFF")), "\x00 \t\r\n")
}

// Release releases the body: it must not be used after that.
func (r *Reply) Release() {
	if r.buffer != nil && r.buffer.Cap() <= 1<<20 {
		buffers.Put(r.buffer)
	}
	r.buffer, r.Body = nil, nil
}

// Succeeded reports whether the status is one of success.
func (r *Reply) Succeeded() bool { return r.Status/100 == 2 }
