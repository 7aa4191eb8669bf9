package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/fleet/work"
	"rollcall/pipeline/job"
	"rollcall/report"
)

// A fleetWorker is a worker at work. It logs what its jobs do, and counts them.
type fleetWorker struct {
	app        *app
	log        *zap.Logger
	slots      int
	interrupts *interrupts
	names      []string // of the flags that a profile can have

	mu      sync.Mutex
	running map[string]*pipeline.Run // by fleet and tenant; nil before the first row
	counts  report.FleetWorkerStats  // of what has ended
}

// stopping returns the message for the first interrupt.
func (w *fleetWorker) stopping() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("finishing the rows in progress on %s, %s", pipeline.Plural(len(w.running), "tenant"), w.interrupts.atMost())
}

// Observe logs what a job does; how it ends the worker itself logs.
func (w *fleetWorker) Observe(j *queue.Job, e work.Event) {
	log := w.log.With(zap.String("fleet", j.Fleet), zap.String("name", j.Tenant))
	switch e := e.(type) {
	case work.Began:
		w.note(j, nil)
		log.Info("tenant begun", zap.Uint64("epoch", e.Epoch), zap.Int("rows", j.Rows))
	case job.Started:
		w.note(j, e.Run)
	case job.Warning:
		if e.Err != nil {
			e.Text = message(e.Err)
		}
		log.Warn("warning: " + e.Text)
	case job.Note:
		log.Info(e.Text)
	case work.Ended:
		w.end(j, e.State)
	case work.Returned, work.Rejected:
		w.end(j, "")
	case work.Lost:
		w.end(j, "lost")
	}
}

func outcomeFields(o *fleet.Outcome) []zap.Field {
	fields := []zap.Field{zap.String("outcome", o.State), zap.Int("rows", o.Rows.Recorded), zap.Int("failed", o.Rows.Failed)}
	if o.Exit != nil {
		fields = append(fields, zap.Int("exit", *o.Exit))
	}
	if o.Reason != "" {
		fields = append(fields, zap.String("reason", o.Reason))
	}
	return fields
}

// note takes note that a job is at work.
func (w *fleetWorker) note(j *queue.Job, run *pipeline.Run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running == nil {
		w.running = make(map[string]*pipeline.Run)
	}
	w.running[j.Fleet+" "+j.Tenant] = run
}

// end takes note that a job is no longer at work here.
func (w *fleetWorker) end(j *queue.Job, outcome string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := j.Fleet + " " + j.Tenant
	count(&w.counts, w.running[key])
	delete(w.running, key)
	if outcome != "" {
		if w.counts.Ended == nil {
			w.counts.Ended = make(map[string]int)
		}
		w.counts.Ended[outcome]++
	}
}

// count adds the rows of a run to s.
func count(s *report.FleetWorkerStats, run *pipeline.Run) {
	if run == nil {
		return
	}
	s.Recorded += run.Stats.Rows.Load()
	for status := range run.Stats.ByStatus {
		if pipeline.Status(status).IsFailure() {
			s.Failed += run.Stats.ByStatus[status].Load()
		}
	}
}

// metrics writes how the worker is for Prometheus.
func (w *fleetWorker) metrics(_ context.Context, to io.Writer, ready bool) error {
	w.mu.Lock()
	s := w.counts
	s.Ended = make(map[string]int)
	for outcome, n := range w.counts.Ended {
		s.Ended[outcome] = n
	}
	s.Running = len(w.running)
	for _, run := range w.running {
		count(&s, run)
	}
	w.mu.Unlock()
	s.Slots, s.Connected, s.Draining = w.slots, ready, w.interrupts.status() != 0
	return report.FleetWorkerMetrics(to, &s)
}
