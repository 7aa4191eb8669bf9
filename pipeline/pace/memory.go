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

// maxMemoryAge is how old saved limits may be to be used. If they are wrong, that costs the next
// run one refusal.
const maxMemoryAge = 30 * 24 * time.Hour

// doubtAge is how old a limit becomes before it is doubted, if no run was refused in that time.
// A tenant whose limit has not changed then refuses one run a week for nothing, and after no
// more than a week a run of any length finds that a limit was raised.
const doubtAge = 7 * 24 * time.Hour

// A memory is the content of the file of one tenant and noun.
type memory struct {
	Date   time.Time `json:"date"`
	Tenant string    `json:"tenant"`
	Noun   string    `json:"noun"`
	Limits
}

// memoryFile returns the name of the file in dir for a tenant and noun. The name does
// not show them, and is valid on every system.
func memoryFile(dir, tenant, noun string) string {
	sum := sha256.Sum256([]byte(tenant + "\x00" + noun))
	return filepath.Join(dir, fmt.Sprintf("pace-%x.json", sum[:8]))
}

// Save writes the limits that a run found to a file in dir, for the next run on the same
// tenant and noun. It makes dir if there is none, and does nothing if no limit is known.
// Its error is no reason for a run to fail.
func Save(dir, tenant, noun string, known Limits) error {
	if known.Rate == 0 && known.AtOnce == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save pace: %w", err)
	}
	b, err := json.MarshalIndent(memory{time.Now().UTC().Truncate(time.Second), tenant, noun, known}, "", "  ")
	if err != nil {
		return fmt.Errorf("save pace: %w", err)
	}
	err = disk.ReplaceFile(memoryFile(dir, tenant, noun), 0o600, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("save pace: %w", err)
	}
	return nil
}

// Load returns the limits that [Save] wrote to dir for a tenant and noun, for
// [Limiter.Assume]. Their age is added to the doubt. They are zero if there is no file or if
// it is too old. The error says that a file can't be used; it is no reason for a run to fail.
func Load(dir, tenant, noun string) (Limits, error) {
	name := memoryFile(dir, tenant, noun)
	b, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return Limits{}, nil
	}
	if err != nil {
		return Limits{}, fmt.Errorf("load pace: %w", err)
	}
	var m memory
	if err := json.Unmarshal(b, &m); err != nil {
		return Limits{}, fmt.Errorf("load pace: %s: %w", name, err)
	}
	age := time.Since(m.Date)
	switch {
	case m.Tenant != tenant || m.Noun != noun:
		return Limits{}, fmt.Errorf("load pace: %s has noun %q, or another tenant", name, m.Noun)
	case !m.Limits.valid():
		return Limits{}, fmt.Errorf("load pace: %s: limits out of range: %+v", name, m.Limits)
	case age > maxMemoryAge || age < -time.Hour:
		return Limits{}, nil
	}
	m.Doubt = min(1, m.Doubt+max(0, float64(age)/float64(doubtAge)))
	return m.Limits, nil
}

// valid reports whether k can be the limits of a tenant.
func (k Limits) valid() bool {
	in := func(x, lo, hi float64) bool { return x == 0 || x >= lo && x <= hi }
	return in(k.Rate, paceMin, paceMax) && in(k.MaxRate, k.Rate, paceMax) && in(k.Doubt, 0, 1) && in(k.Burst, 1, maxFill*max(1, k.Rate)+1) &&
		in(k.Pause, 0, math.Ceil(maxPause.Seconds())) && k.AtOnce >= 0 && k.AtOnce < underWay
}
