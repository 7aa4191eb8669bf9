package rest

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// How much of a reply is read, beside what its request allows.
const (
	MaxFault = 64 << 10  // of one that says what went wrong
	maxDrain = 256 << 10 // beyond that, so that the connection can be used again
)

// A Reply is what was read of an HTTP response.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte // without the padding; good until Release
	Cut    error  // what kept the rest of the body from being read, or nil
	Large  bool   // the body has more than is read of one
	Token  string // the token of the request, which no text may show

	Passing bool // of status 401: the same token may be accepted the next time

	buffer *bytes.Buffer // what Body is in, or nil
}

// buffers are those that no reply has in use.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readReply reads resp, up to limit bytes if it is one of success, and closes
// its body.
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

// TrimPadding returns b without a byte order mark before it, and NULs and
// space around it. A body of NULs is one that a 403 is seen with.
func TrimPadding(b []byte) []byte {
	return bytes.Trim(bytes.TrimPrefix(b, []byte("\uFEFF")), "\x00 \t\r\n")
}

// Release gives up the body.
func (r *Reply) Release() {
	if r.buffer != nil && r.buffer.Cap() <= 1<<20 {
		buffers.Put(r.buffer)
	}
	r.buffer, r.Body = nil, nil
}

// Succeeded reports whether the status is one of success.
func (r *Reply) Succeeded() bool { return r.Status/100 == 2 }
