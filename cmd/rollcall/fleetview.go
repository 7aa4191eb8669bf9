package main

import (
	"math"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/report"
)

// showProgress shows how far the fleet is, until the function that it returns is
// called: with a line on a terminal, with log lines elsewhere.
func (r *fleetRun) showProgress() (stop func()) {
	f := &r.flags.console
	switch {
	case f.quiet:
	case f.draws(r.app):
		return r.app.console.FleetProgress(r.view, report.Terminal{Columns: columns(r.app.err)})
	case f.stats > 0:
		last := r.view().Rows
		return report.Every(f.stats, func() {
			v := r.view()
			r.logView(r.log, v, zap.Float64("rows_per_second", math.Round(10*float64(v.Rows-last)/f.stats.Seconds())/10))
			last = v.Rows
		}, func() {})
	}
	return func() {}
}

// logView logs how far the fleet is.
func (r *fleetRun) logView(log *zap.Logger, v report.FleetView, more ...zap.Field) {
	fields := append([]zap.Field{zap.Int64("rows", v.Rows), zap.Int64("of", v.Total)}, more...)
	fields = append(fields, zap.Int64("failed", v.Failed), zap.Int("tenants_ended", v.Ended), zap.Int("tenants_running", len(v.Running)), zap.Int("tenants", v.Tenants))
	log.Info("progress", fields...)
}

// view returns how far the fleet is.
func (r *fleetRun) view() (v report.FleetView) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v.Tenants, v.Stopping, v.Interrupted = len(r.record.Tenants), r.stopped, r.interrupts.status() != 0
	for _, t := range r.record.Tenants {
		v.Total += int64(t.Rows.Total)
		p := r.running[t.Name]
		switch {
		case p != nil:
			v.Running = append(v.Running, t.Name)
			if p.run == nil {
				break
			}
			v.Rows += int64(p.before) + p.run.Stats.Rows.Load()
			v.InProgress += p.run.Stats.InProgress()
			for s := range p.run.Stats.ByStatus {
				if pipeline.Status(s).IsFailure() {
					v.Failed += p.run.Stats.ByStatus[s].Load()
				}
			}
		case t.State != fleet.Waiting:
			v.Ended++
			fallthrough
		default:
			v.Rows += int64(t.Rows.Recorded)
			v.Failed += int64(t.Rows.Failed)
		}
	}
	return v
}
