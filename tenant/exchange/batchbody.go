package exchange

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// batchHeader returns the headers of a batch. Those of cmdlets are its parts'.
func (c *Client) batchHeader(id, token, anchor string) http.Header {
	h := maps.Clone(c.header)
	h.Set("Prefer", "odata.continue-on-error")
	h.Set(authorization, "Bearer "+token)
	h.Set(anchorMailbox, anchor)
	h.Set(clientRequestID, id)
	return h
}

// appendBatch appends the body of a batch to b: a request to url for each of
// parts, called by its place. Each has the token again, as both public clients
// that send batches do. It goes to the same host in the same request.
func appendBatch(b []byte, parts []*part, url, token, anchor string) []byte {
	rest := append([]byte(nil), `,"X-AnchorMailbox":`...)
	rest = appendString(rest, anchor)
	rest = append(rest, `,"Authorization":`...)
	rest = appendString(rest, "Bearer "+token)
	rest = append(rest, `,"Prefer":"odata.maxpagesize=1000;odata.continue-on-error","Content-Type":"application/json","Accept":"application/json"},"body":`...)
	n := 0
	for _, p := range parts {
		n += 128 + len(url) + len(p.cmdlet.Name) + len(rest) + len(p.body)
	}
	b = slices.Grow(b, n)
	b = append(b, `{"requests":[`...)
	for i, p := range parts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":"`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `","method":"POST","url":`...)
		b = appendString(b, url)
		b = append(b, `,"headers":{"X-CmdletName":`...)
		b = appendString(b, p.cmdlet.Name)
		b = append(b, rest...)
		b = append(b, p.body...)
		b = append(b, '}')
	}
	return append(b, `]}`...)
}
