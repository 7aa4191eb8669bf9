package pace

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// What a run found is there for the next one of the same tenant and noun, for a
// month, and for no other.
func TestRemember(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "rollcall")
	want := Limits{Rate: 199.5, MaxRate: 200, Burst: 20, Pause: 1, AtOnce: 8}
	recall := func(tenant, noun string) Limits {
		t.Helper()
		known, err := Load(dir, tenant, noun)
		if err != nil {
			t.Error(err)
		}
		return known
	}
	synctest.Test(t, func(t *testing.T) {
		if got := recall("contoso", "Mailbox"); got != (Limits{}) {
			t.Errorf("recalled %+v ahead of all", got)
		}
		if err := Save(dir, "contoso", "Mailbox", want); err != nil {
			t.Fatal(err)
		}
		if err := Save(dir, "contoso", "Mailbox", Limits{}); err != nil {
			t.Fatal(err)
		}
		if got := recall("contoso", "Mailbox"); got != want {
			t.Errorf("recalled %+v, want %+v", got, want)
		}
		for _, other := range [][2]string{{"contoso", "CASMailbox"}, {"fabrikam", "Mailbox"}} {
			if got := recall(other[0], other[1]); got != (Limits{}) {
				t.Errorf("recalled %+v of %v", got, other)
			}
		}
		if info, err := os.Stat(memoryFile(dir, "contoso", "Mailbox")); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		time.Sleep(maxMemoryAge + time.Second)
		if got := recall("contoso", "Mailbox"); got != (Limits{}) {
			t.Errorf("recalled %+v after %v", got, maxMemoryAge)
		}
	})
}

// A file that is of no use is an error, and nothing is known.
func TestRecallOfBrokenFile(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"", "{", "[]", `{"tenant":"fabrikam","noun":"Mailbox","rate":5}`,
		`{"tenant":"contoso","noun":"Mailbox","rate":-1}`, `{"tenant":"contoso","noun":"Mailbox","rate":1e300}`,
		`{"tenant":"contoso","noun":"Mailbox","rate":5,"most":4}`, `{"tenant":"contoso","noun":"Mailbox","rate":5,"most":5,"burst":1e9}`,
		`{"tenant":"contoso","noun":"Mailbox","atOnce":-3}`} {
		if err := os.WriteFile(memoryFile(dir, "contoso", "Mailbox"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if known, err := Load(dir, "contoso", "Mailbox"); err == nil || known != (Limits{}) {
			t.Errorf("%s: recalled %+v, %v; want an error", text, known, err)
		}
	}
	if err := Save(filepath.Join(memoryFile(dir, "contoso", "Mailbox"), "sub"), "contoso", "Mailbox", Limits{Rate: 5}); err == nil {
		t.Error("remembered in a file as if it were a directory")
	}
}

// The second night begins where the first ended; and if the limit has halved or
// doubled by then, that is found out.
func TestSecondNightIsWarm(t *testing.T) {
	c := cell{200, 20, 10 * time.Millisecond, time.Second}
	first := newNight(c, New(0))
	cold := first.until(coldCalls, time.Hour)
	known := first.limiter.Limits()

	second := newNight(c, New(0))
	second.limiter.Assume(known)
	if warm := second.until(coldCalls, time.Hour); warm < 0.97 || warm < cold+0.03 {
		t.Errorf("%.1f%% of the limit, after %.1f%% in the first night; want 97%%", 100*warm, 100*cold)
	}
	for _, rate := range []float64{100, 400} {
		c.rate = rate
		moved := newNight(c, New(0))
		moved.limiter.Assume(known)
		moved.until(1e9, time.Minute)
		if share := moved.until(1e9, 2*time.Minute); share < 0.9 || moved.throttled() > most {
			t.Errorf("a limit of %v instead of 200: %.1f%% of it after a minute, %.2f%% throttled", rate, 100*share, 100*moved.throttled())
		}
	}
}

// A limit on calls at once is assumed, too.
func TestWidthIsAssumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &throttler{atOnce: 8, latency: 50 * time.Millisecond, refusal: 20 * time.Millisecond, retryAfter: time.Second}
		l := New(0)
		l.Assume(Limits{AtOnce: 8})
		s.drive(t, l, 64, 5*time.Second)
		if len(s.refused) > 0 || len(s.accepted) < 700 {
			t.Errorf("%d calls accepted, %d refused", len(s.accepted), len(s.refused))
		}
	})
}
