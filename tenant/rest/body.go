package rest

import (
	"bytes"
	"io"
	"net/http"
)

// SetBody gives r a body.
//
// With GetBody the transport can send the request again if an idle connection turns out to
// be closed. The body is not reused: a transport may read it after it has returned.
func SetBody(r *http.Request, body []byte) {
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return newBody(body), nil }
	r.Body = newBody(body)
}

// newBody returns b as a body of a type that package http knows to be in memory. For any
// other type it sends the headers in a separate packet.
func newBody(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }
