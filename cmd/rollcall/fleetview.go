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
	total := int64(0)
	for _, t := range r.record.Tenants {
		total += int64(t.Rows.Total)
	}
	switch {
	case f.quiet:
	case f.draws(r.app):
		return r.app.console.FleetProgress(total, r.view, report.Terminal{Columns: columns(r.app.err)})
	case f.stats > 0:
		last := r.view().Rows
		return report.Every(f.stats, func() {
			v := r.view()
			r.log.Info("progress", zap.Int64("rows", v.Rows), zap.Int64("of", total), zap.Float64("rows_per_second", math.Round(10*float64(v.Rows-last)/f.stats.Seconds())/10),
				zap.Int64("failed", v.Failed), zap.Int("tenants_ended", v.Ended), zap.Int("tenants_running", len(v.Running)), zap.Int("tenants", v.Tenants))
			last = v.Rows
		}, func() {})
	}
	return func() {}
}

// view returns how far the fleet is.
func (r *fleetRun) view() (v report.FleetView) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v.Tenants, v.Stopping, v.Interrupted = len(r.record.Tenants), r.stopped, r.interrupts.status() != 0
	for _, t := range r.record.Tenants {
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
