package pipeline

import (
	"context"
	"runtime"
	"testing"

	"go.uber.org/zap"

	"rollcall/pipeline/pace"
	"rollcall/tenant"
)

type instant struct{ objects []tenant.Object }

func (i instant) Run(context.Context, tenant.Cmdlet) ([]tenant.Object, error) { return i.objects, nil }

type nothing struct{}

func (nothing) Record(*Result) error { return nil }
func (nothing) Flush() error         { return nil }

// What a row costs in the pipeline, without a tenant.
func BenchmarkRow(b *testing.B) {
	setting, err := tenant.LookupSetting("MyAnalyticsFeatureConfig")
	if err != nil {
		b.Fatal(err)
	}
	c := &Change{Setting: setting}
	if err := c.Assign("PrivacyMode=opt-out"); err != nil {
		b.Fatal(err)
	}
	if err := c.Bind(nil); err != nil {
		b.Fatal(err)
	}
	object := tenant.Object{"PrivacyMode": "opt-out", "IsDashboardEnabled": false, "IsAddInEnabled": false, "IsDigestEmailEnabled": false}
	const rows = 100_000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		run := &Run{Tenant: instant{[]tenant.Object{object}}, Change: c, Limiter: pace.New(0), Workers: 4, Log: zap.NewNop()}
		if err := run.Do(b.Context(), &users{n: rows}, nothing{}); err != nil {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows*b.N), "ns/row")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(rows*b.N), "allocs/row(goal<=10)")
}
