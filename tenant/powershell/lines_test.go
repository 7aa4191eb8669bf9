package powershell

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
)

func TestReadLines(t *testing.T) {
	long := strings.Repeat("y", maxOther)
	in := "noise\r\nMARK{1}\n\n" + long + "z\nMARK" + long + "z\n xMARK\nMARKtorn"
	var got []string
	for l := range readLines(strings.NewReader(in), []byte("MARK")) {
		s := string(l.text)
		if l.marked {
			s = "!" + s
		}
		if l.cut {
			s += "~"
		}
		got = append(got, s)
	}
	want := []string{"noise", "!{1}", "", long + "~", "!" + long + "z", " xMARK"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("lines %.200q, want %.200q", got, want)
	}
}

// endless is a stream without a newline.
type endless struct{ block []byte }

func (e endless) Read(b []byte) (int, error) { return copy(b, e.block), nil }

// A gigabyte in one line takes no more memory than what is kept of it.
func TestReadLinesBounded(t *testing.T) {
	stream := endless{bytes.Repeat([]byte("M"), 1<<20)}
	for _, mark := range []string{"N", "M"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n := 0
		for l := range readLines(io.MultiReader(io.LimitReader(stream, 1<<30), strings.NewReader("\n")), []byte(mark)) {
			n++
			if !l.cut || l.marked != (mark == "M") {
				t.Errorf("line of %d bytes, cut %v, marked %v", len(l.text), l.cut, l.marked)
			}
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; n != 1 || used > 8*maxReply {
			t.Errorf("%d lines, %d bytes of memory", n, used)
		}
	}
}
