package roster

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// million returns a roster of n rows of 57 bytes and four columns, as an
// administrator's export has them.
func million(n int) []byte {
	var b bytes.Buffer
	b.WriteString("UserPrincipalName,DisplayName,Department,UsageLocation\n")
	for i := range n {
		fmt.Fprintf(&b, "user%07d@contoso.com,User %07d,Research %02d,DE\n", i, i, i%100)
	}
	return b.Bytes()
}

// BenchmarkRead reads a million rows, and in the same run copies them with
// encoding/csv as fast as that can: the ratio says what being sure of the
// users costs beyond that.
func BenchmarkRead(b *testing.B) {
	const rows = 1_000_000
	text := million(rows)
	name := filepath.Join(b.TempDir(), "users.csv")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		b.Fatal(err)
	}
	var ours, opened, theirs time.Duration
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		start := time.Now()
		r, err := surveyed(Open(name, nil, Options{}))
		if err != nil {
			b.Fatal(err)
		}
		opened += time.Since(start)

		start = time.Now()
		rd := r.Rows()
		var row Row
		for err = rd.Read(&row); err == nil; err = rd.Read(&row) {
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		ours += time.Since(start)
		r.Close()

		start = time.Now()
		f, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		c := csv.NewReader(f)
		c.ReuseRecord = true
		for _, err = c.Read(); err == nil; _, err = c.Read() {
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		theirs += time.Since(start)
		f.Close()
	}
	perRow := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(b.N) / rows }
	b.ReportMetric(perRow(opened), "open-ns/row")
	b.ReportMetric(perRow(ours), "read-ns/row")
	b.ReportMetric(perRow(theirs), "csv-ns/row")
	b.ReportMetric(float64(ours)/float64(theirs), "read/csv")
	b.ReportMetric(float64(ours+opened)/float64(theirs), "all/csv")
}
