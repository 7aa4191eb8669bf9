package exchange

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// What Run takes for each of ten cmdlets in a batch, without a network: ours
// alone, to be compared with BenchmarkRunAlone.
func BenchmarkBatchAlone(b *testing.B) {
	var replies bytes.Buffer
	replies.WriteString(`{"responses":[`)
	for i := range MaxBatch {
		fmt.Fprintf(&replies, `{"id":"%d","status":200,"headers":{"Content-Type":"application/json"},"body":%s}`, i, benchReply)
		if i < MaxBatch-1 {
			replies.WriteByte(',')
		}
	}
	replies.WriteString(`]}`)
	c := newClient(b, "", func(cfg *Config) {
		cfg.Token = func(context.Context, string, string) (string, error) { return benchToken, nil }
		cfg.Transport = fake(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(replies.Bytes()))}, nil
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
