package exchange

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/tenant/rest"
)

// partForms are forms that a batch's reply may have, up to the end of its first part,
// which has the number %d: that of the sandbox, and others.
var partForms = func() map[string]string {
	const id, status, odata = `{"responses":[{"id":"%d",`, `"status":200,`, `{"@odata.context":"https://outlook.office365.com/$metadata",`
	const contentType = `"headers":{"Content-Type":"application/json"},"body":`
	values := strings.Replace(benchReply, `"UserId":`, `"Count":12,"DisplayName":"Ada \u00d6lz","EmailAddresses":["SMTP:ada@example.org"],"Forward":null,"UserId":`, 1)
	page := strings.Replace(benchReply, `"value":`, `"adminapi.warnings@odata.type":"#Collection(String)","@adminapi.warnings":[],"value":`, 1)
	return map[string]string{
		"sandbox": id + status + contentType + benchReply + `}`,
		"null":    id + status + `"headers":null,"body":` + benchReply + `}`,
		"number":  `{"responses":[{"body":` + benchReply + `,"atomicityGroup":null,` + status + `"id":%d}`,
		"OData":   odata + `"responses":[{"id":"%d",` + status + `"headers":{"OData-Version":"4.0","X":[1]},"body":` + page + `}`,
		"values":  id + status + contentType + values + `}`,
	}
}()

// What is scanned is not for encoding/json to read.
func TestPartForms(t *testing.T) {
	for name, form := range partForms {
		d, ok := scanBatch([]byte(fmt.Sprintf(form, 1) + `],"error":null}`))
		if !ok || len(d.Responses) != 1 || d.Responses[0].index(2) != 1 {
			t.Errorf("%s: scanned %+v, %v", name, d, ok)
			continue
		}
		part := d.Responses[0].reply(&reply{Reply: &rest.Reply{}, start: new(property)}, http.Header{})
		if p, ok := part.scanPage(); !ok || len(p.objects) != 1 || p.objects[0]["UserId"] != "ada@example.org" {
			t.Errorf("%s: scanned the page %+v, %v", name, p, ok)
		}
	}
}

// What Run takes for each of ten cmdlets in a batch, without a network: ours
// alone, to be compared with BenchmarkRunAlone.
func BenchmarkBatchAlone(b *testing.B) {
	for name, form := range partForms {
		b.Run(name, func(b *testing.B) { benchBatchAlone(b, form) })
	}
}

func benchBatchAlone(b *testing.B, form string) {
	opening, part, _ := strings.Cut(form, "[")
	reply := opening + "["
	for i := range MaxBatch {
		if i > 0 {
			reply += ","
		}
		reply += fmt.Sprintf(part, i)
	}
	reply += "]}"
	c := newClient(b, "", func(cfg *Config) {
		cfg.Token = func(context.Context, string, string) (string, error) { return benchToken, nil }
		cfg.Transport = fake(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(reply))}, nil
		})
	})
	batcher := NewBatcher(c, BatchConfig{Size: MaxBatch, Callers: MaxBatch, Wait: time.Second})
	b.ReportAllocs()
	var g sync.WaitGroup
	for range MaxBatch {
		g.Go(func() {
			for range b.N/MaxBatch + 1 {
				if objects, err := batcher.Run(b.Context(), get); err != nil || len(objects) != 1 {
					b.Error(objects, err)
				}
			}
		})
	}
	g.Wait()
}
