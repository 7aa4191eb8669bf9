package exchange

import (
	"net/http"
	"slices"
	"strconv"

	"rollcall/tenant/rest"
)

// asBatch makes r the request of a batch of parts. The headers of cmdlets are its parts'.
func asBatch(r *http.Request, parts []*part, at *place) {
	r.URL = at.batch
	r.Header.Set("Prefer", "odata.continue-on-error")
	rest.SetBody(r, appendBatch(nil, parts, at))
}

// partTexts returns what each part of a batch has before and after the name of its
// cmdlet. Each has the token again, as both public clients that send batches do. It goes
// to the same host in the same request.
func partTexts(at *place) (before, after string) {
	quote := func(s string) string { return string(appendString(nil, s)) }
	before = `","method":"POST","url":` + quote(at.invoke.String()) + `,"headers":{"X-CmdletName":`
	after = `,"X-AnchorMailbox":` + quote(at.mailbox) + `,"Authorization":` + quote("Bearer "+at.token) +
		`,"Prefer":"odata.maxpagesize=1000;odata.continue-on-error","Content-Type":"application/json","Accept":"application/json"},"body":`
	return before, after
}

// appendBatch appends the body of a batch to b: a request for each of parts, called by
// its place.
func appendBatch(b []byte, parts []*part, at *place) []byte {
	b = slices.Grow(b, len(parts)*(len(at.before)+len(at.after)+bodySize))
	b = append(b, `{"requests":[`...)
	for i, p := range parts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":"`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, at.before...)
		b = appendString(b, p.cmdlet.Name)
		b = append(b, at.after...)
		b = appendBody(b, p.cmdlet)
		b = append(b, '}')
	}
	return append(b, `]}`...)
}
