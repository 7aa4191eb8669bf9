package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Who reads JSON lines has each row while the run goes on: the first of them is
// there within a second or so, whole, however long the others take.
func TestJSONLinesStream(t *testing.T) {
	t.Parallel()
	roster := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(roster, []byte("UPN\na@x.example\nb@x.example\nc@x.example\nd@x.example\ne@x.example\nf@x.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	over := make(chan time.Time, 1)
	go func() {
		run([]string{"audit", roster, "--privacy-mode", "opt-out", "--format", "jsonl", "--rate", "1", "--workers", "1"}, nil, w, io.Discard)
		over <- time.Now()
		w.Close()
	}()
	in := bufio.NewScanner(r)
	var came []time.Time
	for in.Scan() {
		var row struct {
			Row                       int
			UserPrincipalName, Status string
		}
		if err := json.Unmarshal(in.Bytes(), &row); err != nil || row.Row != len(came)+2 || row.Status != "differs" {
			t.Errorf("%v: %s", err, in.Text())
		}
		came = append(came, time.Now())
	}
	if len(came) != 6 {
		t.Fatalf("%d lines, want 6", len(came))
	}
	if left := (<-over).Sub(came[0]); left < 3*time.Second {
		t.Errorf("the first of six rows, one a second, came %v ahead of the end", left)
	}
}
