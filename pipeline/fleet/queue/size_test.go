package queue

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// A thousand small rosters are stored in a moment, and a server that has them, and a
// job for each that waits, is small.
func TestThousandTenants(t *testing.T) {
	url, pid, _ := serveAsideProcess(t, t.TempDir(), "127.0.0.1:0")
	q := dialed(t, Options{URL: url})
	begin := time.Now()
	var g errgroup.Group
	g.SetLimit(32)
	roster := strings.Repeat("user@contoso.com\n", 100)
	for i := range 1000 {
		g.Go(func() error {
			return q.Put(context.Background(), RosterName(fmt.Sprint(i)), strings.NewReader(roster))
		})
	}
	check(t, g.Wait())
	stored := time.Since(begin)
	for i := range 1000 {
		g.Go(func() error {
			_, err := q.jobs.Create(context.Background(), fmt.Sprintf("key-%d", i), []byte(strings.Repeat("x", 1500)))
			return err
		})
	}
	check(t, g.Wait())
	t.Logf("storing the rosters took %v, the jobs %v", stored, time.Since(begin)-stored)
	if stored > 10*time.Second { // on a machine that does much else meanwhile
		t.Errorf("storing the rosters took %v", stored)
	}
	if runtime.GOOS != "linux" {
		return
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	check(t, err)
	kB, err := strconv.Atoi(regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`).FindStringSubmatch(string(b))[1])
	check(t, err)
	t.Logf("the server has %d MB", kB>>10)
	if kB > 60<<10 {
		t.Errorf("the server has %d MB", kB>>10)
	}
}
