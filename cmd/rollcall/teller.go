package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"os/user"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"rollcall/pipeline"
	"rollcall/report"
	"rollcall/tenant/disk"
)

// A teller tells others of an execution.
type teller struct {
	roster  string // its name
	started time.Time
	began   time.Time     // when the first call could be made, or zero
	worked  time.Duration // from then to the last call
	ended   time.Time     // when all was recorded
	run     atomic.Pointer[pipeline.Run]
	left    atomic.Int64    // rows that there were to do when it began
	console *zap.Logger     // what standard error gets
	file    *report.LogFile // or nil
	log     *zap.Logger     // what the log file gets
	events  *zap.Logger     // what only machines want: the file and, in JSON, standard error
	ping    *pinger
	unask   func()
}

// openTeller makes ready to tell of the run on the roster called name. From then
// on x.log is for the log file too.
func (x *execution) openTeller(name string) (err error) {
	f, a := &x.job.tell, x.app
	t := &x.teller
	*t = teller{roster: name, started: time.Now(), console: x.log, log: zap.NewNop(), events: zap.NewNop()}
	if t.ping, err = newPinger(f.ping, nil); err != nil {
		return usage(err)
	}
	if f.log != "" {
		t.file = report.NewLogFile(f.log, int64(f.logMaxSize)<<20, func(err error) { a.console.Warn("warning: %v", err) })
		level := zapcore.InfoLevel
		if x.talk.verbose {
			level = zapcore.DebugLevel
		}
		t.log = t.file.Log(level)
	}
	both := func(log *zap.Logger) *zap.Logger { return zap.New(zapcore.NewTee(log.Core(), t.log.Core())) }
	x.log, t.events = both(t.console), t.log
	if x.talk.logFormat == "json" {
		t.events = x.log
	}
	asked := both(a.console.Log(zapcore.InfoLevel, x.talk.logFormat == "json"))
	t.unask = whenAsked(func() {
		if run := t.run.Load(); run != nil {
			report.LogState(asked, int(t.left.Load()), run, float64(run.Stats.Rows.Load())/max(time.Since(t.began).Seconds(), 1e-3))
		} else {
			asked.Info("progress", zap.String("stage", "not begun"))
		}
	})
	return nil
}

// canTell returns an error if what is to be written in the end can't be.
func (x *execution) canTell() error {
	if x.teller.file != nil {
		if err := x.teller.file.Check(); err != nil {
			return err
		}
	}
	for _, file := range []string{x.job.tell.summary, x.job.tell.metrics} {
		if file == "" || file == "-" {
			continue
		}
		if err := disk.CanWriteFile(file); err != nil {
			return err
		}
	}
	return nil
}

// begin tells that run begins.
func (x *execution) begin(run *pipeline.Run) {
	t := &x.teller
	o := x.told(nil)
	t.events.Info("start", zap.String("command", o.Command), zap.String("tenant", o.Tenant), zap.String("noun", o.Noun),
		zap.String("change", o.Change), zap.String("roster", o.Roster), zap.String("results", o.Results),
		zap.Int("rows", o.Rows.Total), zap.String("version", o.Version))
	t.tellService(x.interrupts.ctx, x, "start", "")
	t.began = time.Now()
	t.left.Store(int64(x.out.left()))
	t.run.Store(run)
}

// progress shows how far run is, and logs it to the file.
func (x *execution) progress(run *pipeline.Run) (stop func()) {
	left := x.out.left()
	done := func() { x.teller.worked = time.Since(x.teller.began) }
	show := x.talk.progress(x.app, left, run, x.teller.console)
	if x.teller.file == nil || x.talk.stats <= 0 {
		return func() { show(); done() }
	}
	log := report.LogProgress(x.teller.log, x.talk.stats, left, run)
	return func() { show(); log(); done() }
}

// tellService pings. That it could not is no reason to end a run, or to break a
// silence.
func (t *teller) tellService(ctx context.Context, x *execution, point, body string) {
	if err := t.ping.ping(ctx, point, body); err != nil {
		x.app.console.Warn("warning: %v", err)
		t.log.Warn("ping failed", zap.String("host", t.ping.url.Host), zap.Error(err))
	}
}

// conclude tells what came of the execution, which ended with err, and returns
// what it ends with after all. Of a command line that is wrong nothing is told:
// nobody scheduled that.
func (x *execution) conclude(err error) error {
	t, f := &x.teller, &x.job.tell
	defer t.close()
	if statusOf(err) == exitUsage {
		return err
	}
	if t.ended.IsZero() {
		t.ended = time.Now()
	}
	write := func(file string, perm fs.FileMode, what func(*report.Outcome, io.Writer) error) {
		if file == "" {
			return
		}
		o := x.told(err)
		var werr error
		if file == "-" {
			werr = what(o, x.app.out)
		} else {
			werr = disk.WriteFile(file, perm, func(w io.Writer) error { return what(o, w) })
		}
		switch {
		case werr != nil && err == nil:
			err = werr
		case werr != nil:
			x.app.console.Warn("warning: %v", werr)
		}
	}
	write(f.summary, 0o600, (*report.Outcome).JSON)
	write(f.metrics, 0o644, func(o *report.Outcome, w io.Writer) error { return report.Metrics(w, o) }) // last, for it is what alarms are made of
	o := x.told(err)
	t.events.Info("end", report.OutcomeFields(o)...)
	point := ""
	if o.Exit != exitOK {
		point = "fail"
	}
	t.tellService(context.Background(), x, point, report.OutcomeText(o))
	return err
}

func (t *teller) close() {
	if t.unask != nil {
		t.unask()
	}
	if t.file != nil {
		t.file.Close()
	}
}

// told returns what there is to say of the execution, if it were to end with err.
func (x *execution) told(err error) *report.Outcome {
	t := &x.teller
	o := &report.Outcome{
		Version:  version(),
		Command:  "apply",
		Tenant:   x.job.tenant.identity(),
		Noun:     x.job.change.noun,
		Roster:   t.roster,
		Results:  x.output.name,
		Sandbox:  x.job.tenant.tenant == "sandbox" || x.job.tenant.file() != "",
		Unnamed:  x.job.unnamed(x.app),
		User:     userName(),
		Host:     hostName(),
		Started:  t.started,
		Finished: t.ended,
		Exit:     statusOf(err),
	}
	if x.job.tenant.tenant == "sandbox" {
		o.Tenant = "sandbox"
	}
	switch {
	case x.audit:
		o.Command = "audit"
	case x.undo:
		o.Command = "undo"
	}
	if x.change != nil {
		o.Noun, o.Change = x.change.Setting.Noun, x.change.String()
	}
	if x.users != nil {
		found := x.users.Description()
		o.Rows.Total, o.PassedOver, o.RosterSHA256 = found.Rows, found.PassedOverBy, x.rosterSHA256()
		o.Manifest = x.manifest()
	}
	if x.out != nil {
		o.Rows = x.out.counts
		if x.out.file != nil && x.out.begun && !x.out.from.Complete {
			o.Manifest, o.ResultsSHA256 = x.out.file.Manifest(), x.out.file.SHA256()
		}
	}
	if run := t.run.Load(); run != nil {
		o.Count(run)
		o.Working = t.worked
	}
	switch o.Exit {
	case exitOK, exitRows, exitDiffers:
		o.Ending = report.Complete
	case exitGuard:
		o.Ending = report.Guarded
	case exitInterrupted, exitTerminated:
		o.Ending = report.Interrupted
	default:
		o.Ending = report.Errored
	}
	if o.Ending != report.Complete {
		if o.Reason = message(err); o.Reason == "" {
			o.Reason = o.Ending // by a signal: there is no more to say of it
		}
	}
	return o
}

// recorded returns how many rows the run has done so far.
func (t *teller) recorded() int64 {
	if run := t.run.Load(); run != nil {
		return run.Stats.Rows.Load()
	}
	return 0
}

// rosterSHA256 returns the SHA-256 of the roster, or "" if it can't be read any
// more.
func (x *execution) rosterSHA256() string {
	if x.rosterSum == "" {
		x.rosterSum, _ = x.users.SHA256()
	}
	return x.rosterSum
}

// userName returns who runs the program, as the system calls them, or "".
func userName() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// hostName returns the name of the machine, or "".
func hostName() string {
	name, _ := os.Hostname()
	return name
}
