package server

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/sandbox"
)

// A reply is what a client is told of a cmdlet.
type reply struct {
	status int
	kind   string   // the content type, if it is not jsonType
	header []string // further headers: names, each with its value after it
	body   []byte   // unless a cmdlet succeeded

	// Of a cmdlet that succeeded, whose body is written when it is sent.
	at     endpoint // the zero value for none
	notes  string   // annotations, each with a comma after it
	answer sandbox.Answer
}

const jsonType = "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8"

// makeReply returns the reply for a cmdlet that came to res and err.
func makeReply(e endpoint, res *sandbox.Answer, err error) reply {
	if err != nil {
		te, ok := errors.AsType[*tenant.Error](err)
		if !ok {
			return makeError(http.StatusInternalServerError, "NotSpecified", err.Error(), "", nil)
		}
		if te.Class == tenant.NotFound {
			return makeError(http.StatusNotFound, "ObjectNotFound", te.Err.Error(), te.Exception, &te.Object)
		}
		return makeError(http.StatusBadRequest, "InvalidArgument", te.Err.Error(), te.Exception, &te.Object)
	}
	r := reply{status: http.StatusOK, at: e, answer: *res}
	if w := res.Warning(); w != "" {
		r.notes = `"@adminapi.warnings":[` + quote(w) + `],`
	}
	return r
}

// makeError returns the reply of a failure. The target is the user that it was
// about, if there was one.
func makeError(status int, category, text, exception string, target *string) reply {
	type detail struct {
		Code    string `json:"code"`
		Target  string `json:"target"`
		Message string `json:"message"`
	}
	type exceptionBody struct {
		Message string `json:"message"`
		Type    string `json:"type"`
	}
	type inner struct {
		exceptionBody
		Internal exceptionBody `json:"internalexception"`
	}
	var body struct {
		Error struct {
			Code    string   `json:"code"`
			Message string   `json:"message"`
			Details []detail `json:"details,omitempty"`
			Inner   *inner   `json:"innererror,omitempty"`
		} `json:"error"`
	}
	body.Error.Code = strconv.Itoa(status)
	body.Error.Message = text
	if exception != "" {
		body.Error.Message = "Error executing cmdlet"
		d := detail{Code: category, Message: threeParts(exception, text)}
		if target != nil {
			d.Target = *target
		}
		body.Error.Details = []detail{d}
		body.Error.Inner = &inner{exceptionBody{"Error executing cmdlet", "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"}, exceptionBody{d.Message, exception}}
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic("server: " + err.Error())
	}
	r := reply{status: status, body: b}
	if exception != "" {
		r.header = []string{"x-ExceptionType", exception}
	}
	return r
}

func textReply(status int, text string) reply {
	return reply{status: status, kind: "text/plain; charset=utf-8", body: []byte(text)}
}

func htmlReply(status int) reply {
	return reply{status: status, kind: "text/html; charset=utf-8", body: fmt.Appendf(nil,
		"<!DOCTYPE html>\n<html><head><title>%d</title></head><body><h1>Something went wrong</h1>"+
			"<p>We're sorry, the page you asked for can't be shown.</p></body></html>\n", status)}
}

// threeParts returns an exception as the service writes it: an id, the class,
// and the text.
func threeParts(class, text string) string {
	return fmt.Sprintf("Ex%06X|%s|%s", fnv(fnvStart, class)&0xffffff, class, strings.ReplaceAll(text, "|", "/"))
}

const (
	serverBusy       = "Microsoft.Exchange.Data.Storage.ServerBusyException"
	storageTransient = "Microsoft.Exchange.Data.Storage.StorageTransientException"
)

var transient400 = makeError(http.StatusBadRequest, "ResourceBusy",
	"The server is too busy to run the cmdlet. Please try again later.", serverBusy, nil)

func errors200(e endpoint) reply {
	return reply{status: http.StatusOK, at: e,
		notes: `"@adminapi.errors":[` + quote(threeParts(storageTransient, "The mailbox is not available at the moment. Please try again later.")) + `],`}
}

// first returns the first page of r, which has none of its objects, only the
// link to where they are.
func (r reply) first(link string) reply {
	r.notes += `"@odata.nextLink":` + quote(link) + ","
	r.answer = sandbox.Answer{}
	return r
}

// appendBody appends the body.
func (r *reply) appendBody(b []byte) []byte {
	if r.at == (endpoint{}) {
		return append(b, r.body...)
	}
	b = appendContext(b, r.at, "Collection(Exchange.GenericHashTable)")
	b = append(b, r.notes...)
	b = append(b, `"value":[`...)
	for i, o := range r.answer.Objects() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendObject(b, &r.answer, o)
	}
	return append(b, `]}`...)
}

func (r reply) write(w http.ResponseWriter) { r.send(w, 1) }

// writeHalf promises all of the body, and sends half of it. Whoever serves HTTP
// closes the connection then.
func (r reply) writeHalf(w http.ResponseWriter) { r.send(w, 2) }

// send promises all of the body, and sends one nth of it.
func (r *reply) send(w http.ResponseWriter, n int) {
	body := r.body
	if r.at != (endpoint{}) {
		buf := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(buf)
		buf.Reset()
		buf.Grow(1024) // more than most need
		body = r.appendBody(buf.AvailableBuffer())
	}
	h := w.Header()
	h.Set("Content-Type", r.contentType())
	h.Set("Content-Length", strconv.Itoa(len(body)))
	for i := 0; i < len(r.header); i += 2 {
		h.Set(r.header[i], r.header[i+1])
	}
	w.WriteHeader(r.status)
	w.Write(body[:len(body)/n])
}

func (r *reply) contentType() string {
	if r.kind != "" {
		return r.kind
	}
	return jsonType
}

// abort ends the connection without a reply: by a reset if it can be had. Of
// HTTP/2 it ends the stream.
func abort(w http.ResponseWriter) {
	hj, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hj.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // its own Close would end the session properly
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
