package server

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
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
	head   string   // of the body of a success: its start, up to the annotations
	notes  string   // annotations, each with a comma after it
	values []byte   // the objects
	body   []byte   // of a failure, and of what is not JSON
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
	r := reply{status: http.StatusOK, head: e.head()}
	if w := res.Warning(); w != "" {
		r.notes = `"@adminapi.warnings":[` + quote(w) + `],`
	}
	for i, o := range res.Objects() {
		if i == 0 {
			r.values = make([]byte, 0, 512) // more than most need
		} else {
			r.values = append(r.values, ',')
		}
		r.values = appendObject(r.values, res, o)
	}
	return r
}

func (e endpoint) head() string {
	return `{"@odata.context":"https://outlook.office365.com/adminapi/` + e.version + "/" + e.organization +
		`/$metadata#Collection(Exchange.GenericHashTable)",`
}

// appendObject appends the JSON of o, one that res has, with the property
// that says which user it is about.
func appendObject(b []byte, res *sandbox.Answer, o tenant.Object) []byte {
	b = append(b, `{"`...)
	b = append(b, res.Key()...)
	b = append(b, `":`...)
	b = appendJSON(b, res.User())
	fields := res.Fields()
	if fields == nil {
		for _, name := range slices.Sorted(maps.Keys(o)) {
			fields = append(fields, sandbox.Field{Name: name, Value: o[name]})
		}
	}
	for _, f := range fields {
		b = append(b, ',', '"')
		b = append(b, f.Name...)
		b = append(b, `":`...)
		b = appendJSON(b, f.Value)
		if _, ok := f.Value.(bool); ok {
			b = append(b, ',', '"')
			b = append(b, f.Name...)
			b = append(b, `@data.type":"System.Boolean"`...)
		}
	}
	return append(b, '}')
}

// appendJSON appends v as JSON.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		if isPlain(v) {
			b = append(b, '"')
			b = append(b, v...)
			return append(b, '"')
		}
	}
	j, err := json.Marshal(v)
	if err != nil { // a value that did not come from JSON or from a file
		return append(b, "null"...)
	}
	return append(b, j...)
}

// isPlain reports whether s stands for itself in JSON.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}

func quote(s string) string { return string(appendJSON(nil, s)) }

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
	return reply{status: http.StatusOK, head: e.head(),
		notes: `"@adminapi.errors":[` + quote(threeParts(storageTransient, "The mailbox is not available at the moment. Please try again later.")) + `],`}
}

// first returns the first page of r, which has none of its objects, only the
// link to where they are.
func (r reply) first(link string) reply {
	r.notes += `"@odata.nextLink":` + quote(link) + ","
	r.values = nil
	return r
}

// bytes returns the body.
func (r reply) bytes() []byte {
	if r.body != nil || r.head == "" {
		return r.body
	}
	return r.appendBody(make([]byte, 0, len(r.head)+len(r.notes)+len(r.values)+len(`"value":[]}`)))
}

// appendBody appends the body, if it is JSON.
func (r reply) appendBody(b []byte) []byte {
	if r.body != nil || r.head == "" {
		return append(b, r.body...)
	}
	b = append(b, r.head...)
	b = append(b, r.notes...)
	b = append(b, `"value":[`...)
	b = append(b, r.values...)
	return append(b, `]}`...)
}

func (r reply) write(w http.ResponseWriter) {
	body := r.bytes()
	r.writeHeader(w, len(body))
	w.Write(body)
}

// writeHalf promises all of the body, and sends half of it. Whoever serves HTTP
// closes the connection then.
func (r reply) writeHalf(w http.ResponseWriter) {
	body := r.bytes()
	r.writeHeader(w, len(body))
	w.Write(body[:len(body)/2])
}

func (r reply) writeHeader(w http.ResponseWriter, length int) {
	h := w.Header()
	h.Set("Content-Type", r.contentType())
	h.Set("Content-Length", strconv.Itoa(length))
	for i := 0; i < len(r.header); i += 2 {
		h.Set(r.header[i], r.header[i+1])
	}
	w.WriteHeader(r.status)
}

func (r reply) contentType() string {
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
