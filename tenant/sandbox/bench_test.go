package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"rollcall/tenant"
)

func names(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("user%07d@contoso.onmicrosoft.com", i)
	}
	return names
}

// What a row costs in a tenant in memory: a million users, each of them set
// and read.
func BenchmarkSetGet(b *testing.B) {
	const users = 1 << 20
	names := names(users)
	set := tenant.Cmdlet{Name: "Set-MyAnalyticsFeatureConfig", Parameters: []tenant.Parameter{{Name: "PrivacyMode", Value: "opt-out"}}}
	get := tenant.Cmdlet{Name: "Get-MyAnalyticsFeatureConfig"}
	for _, noun := range []string{"MyAnalyticsFeatureConfig", "CASMailbox"} {
		if noun == "CASMailbox" {
			set.Parameters = []tenant.Parameter{{Name: "PopEnabled", Value: false}}
		}
		set.Name, get.Name = "Set-"+noun, "Get-"+noun
		b.Run(noun, func(b *testing.B) {
			b.ReportAllocs()
			var t *Tenant
			ctx := b.Context()
			for i := 0; b.Loop(); i++ {
				if i%users == 0 {
					t = New()
				}
				t.Run(ctx, set.For(names[i%users]))
				t.Run(ctx, get.For(names[i%users]))
			}
		})
		b.Run(noun+"/parallel", func(b *testing.B) {
			t := New()
			ctx := b.Context()
			var n atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					name := names[n.Add(1)%users]
					t.Run(ctx, set.For(name))
					t.Run(ctx, get.For(name))
				}
			})
		})
	}
}

// What a row costs in a tenant in a file, each Set of which changes the user.
func BenchmarkSetGetFile(b *testing.B) {
	const users = 1 << 16
	names := names(users)
	path := filepath.Join(b.TempDir(), "tenant.csv")
	if err := os.WriteFile(path, []byte("UserPrincipalName\n"+strings.Join(names, "\n")+"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	t, err := Load(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	modes := []string{"opt-out", "opt-in"}
	for i := 0; b.Loop(); i++ {
		set := tenant.Cmdlet{Name: "Set-MyAnalyticsFeatureConfig", Identity: names[i%users],
			Parameters: []tenant.Parameter{{Name: "PrivacyMode", Value: modes[i/users%2]}}}
		if _, err := t.Run(b.Context(), set); err != nil {
			b.Fatal(err)
		}
		t.Run(b.Context(), tenant.Cmdlet{Name: "Get-MyAnalyticsFeatureConfig", Identity: names[i%users]})
	}
}
