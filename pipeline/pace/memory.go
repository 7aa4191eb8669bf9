package pace

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"rollcall/tenant/disk"
)

// maxMemoryAge is for how long what a run found is worth a try. If it is wrong by
// then, that costs the next run a refusal.
const maxMemoryAge = 30 * 24 * time.Hour

// A memory is what the file of one tenant and noun says.
type memory struct {
	Date   time.Time `json:"date"`
	Tenant string    `json:"tenant"`
	Noun   string    `json:"noun"`
	Limits
}

// memoryFile returns the file in dir for a tenant and noun. Its name tells nothing
// of them, and is one on every system.
func memoryFile(dir, tenant, noun string) string {
	sum := sha256.Sum256([]byte(tenant + "\x00" + noun))
	return filepath.Join(dir, fmt.Sprintf("pace-%x.json", sum[:8]))
}

// Save keeps in the directory dir, which it makes if there is none, what a run
// found out of a tenant, for the next one that changes the same noun. It does
// nothing if nothing was found. No run is to fail because of its error.
func Save(dir, tenant, noun string, known Limits) error {
	if known.Rate == 0 && known.AtOnce == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("remember pace: %w", err)
	}
	b, err := json.MarshalIndent(memory{time.Now().UTC().Truncate(time.Second), tenant, noun, known}, "", "  ")
	if err != nil {
		return fmt.Errorf("remember pace: %w", err)
	}
	err = disk.ReplaceFile(memoryFile(dir, tenant, noun), 0o600, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("remember pace: %w", err)
	}
	return nil
}

// Load returns what Remember kept in dir for a tenant and noun, for
// [Limiter.Assume]. Nothing is known if nothing was kept, or long ago. No run is to
// fail because of its error, which says that there is a file of no use.
func Load(dir, tenant, noun string) (Limits, error) {
	name := memoryFile(dir, tenant, noun)
	b, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return Limits{}, nil
	}
	if err != nil {
		return Limits{}, fmt.Errorf("recall pace: %w", err)
	}
	var m memory
	if err := json.Unmarshal(b, &m); err != nil {
		return Limits{}, fmt.Errorf("recall pace: %s: %w", name, err)
	}
	age := time.Since(m.Date)
	switch {
	case m.Tenant != tenant || m.Noun != noun:
		return Limits{}, fmt.Errorf("recall pace: %s is of noun %q of another tenant", name, m.Noun)
	case !m.Limits.valid():
		return Limits{}, fmt.Errorf("recall pace: %s: no limit of a tenant: %+v", name, m.Limits)
	case age > maxMemoryAge || age < -time.Hour:
		return Limits{}, nil
	}
	return m.Limits, nil
}

// valid reports whether a run can have found k.
func (k Limits) valid() bool {
	in := func(x, lo, hi float64) bool { return x == 0 || x >= lo && x <= hi }
	return in(k.Rate, paceMin, paceMax) && in(k.MaxRate, k.Rate, paceMax) && in(k.Burst, 1, maxFill*max(1, k.Rate)+1) &&
		in(k.Pause, 0, math.Ceil(maxPause.Seconds())) && k.AtOnce >= 0 && k.AtOnce < underWay
}
