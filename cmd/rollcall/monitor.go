package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/user"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"rollcall/pipeline"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
	"rollcall/report"
	"rollcall/tenant/disk"
)

// A monitor writes the log of a run, and sends its start and outcome to what watches
// scheduled jobs: files, a ping and a webhook.
type monitor struct {
	flags   *monitorFlags
	started time.Time
	log     *zap.Logger     // for standard error and the log file
	console *zap.Logger     // for standard error only
	fileLog *zap.Logger     // for the log file only
	events  *zap.Logger     // for machines: the log file and, with --log-format json, standard error
	file    *report.LogFile // or nil
	ping    *pinger
	webhook *webhook
	start   *startPing // or nil
	unwatch func()     // ends the answers to SIGUSR1
	refused error      // why one of its files can't be written, found out at the start; or nil

	run   atomic.Pointer[pipeline.Run]
	left  atomic.Int64 // rows to do when the run began
	began time.Time    // when the run began
}

// open returns the monitor of a run whose log on standard error is log.
func (f *monitorFlags) open(a *app, c *consoleFlags, log *zap.Logger) (m *monitor, err error) {
	m = &monitor{flags: f, started: time.Now(), console: log, fileLog: zap.NewNop()}
	if m.ping, err = newPinger(f.ping, nil); err != nil {
		return nil, usage(err)
	}
	if m.webhook, err = newWebhook(f.webhook, f.webhookForm, nil); err != nil {
		return nil, usage(err)
	}
	if f.log != "" {
		m.file = report.NewLogFile(f.log, int64(f.logMaxSize)<<20, func(err error) {
			if m.refused == nil || m.refused.Error() != err.Error() { // else the run ends with this error, which is printed
				a.console.Warn("warning: %v", err)
			}
		})
		level := zapcore.InfoLevel
		if c.verbose {
			level = zapcore.DebugLevel
		}
		m.fileLog = m.file.Log(level)
	}
	both := func(log *zap.Logger) *zap.Logger { return zap.New(zapcore.NewTee(log.Core(), m.fileLog.Core())) }
	m.log, m.events = both(log), m.fileLog
	if c.logFormat == "json" {
		m.events = m.log
	}
	asked := both(a.console.Log(zapcore.InfoLevel, c.logFormat == "json"))
	m.unwatch = whenAsked(func() { m.answer(asked) })
	return m, nil
}

// answer logs the progress of the run, as SIGUSR1 asks for.
func (m *monitor) answer(log *zap.Logger) {
	run := m.run.Load()
	if run == nil {
		log.Info("progress", zap.String("stage", "not begun"))
		return
	}
	report.LogState(log, int(m.left.Load()), run, float64(run.Stats.Rows.Load())/max(time.Since(m.began).Seconds(), 1e-3))
}

// begin logs the start of a run, and sends the ping for it.
func (m *monitor) begin(x *execution, e job.Started) {
	o := e.Outcome
	m.events.Info("start", zap.String("command", o.Command), zap.String("tenant", o.Tenant), zap.String("noun", o.Noun),
		zap.String("change", o.Change), zap.String("roster", o.Roster), zap.String("results", o.Results),
		zap.Int("rows", o.Rows.Total), zap.String("version", o.Version))
	m.pingStart(x)
	m.began = time.Now()
	m.left.Store(int64(e.Counts.Left()))
	m.run.Store(e.Run)
}

// conclude writes the outcome of a job to the files, and sends the webhook and the last
// ping. It returns err, the error of the command, or why a file could not be written. If
// the command line is wrong it does nothing: a scheduled job is not run like that. A
// missing --yes is different: a scheduled job may well lack it.
func (m *monitor) conclude(x *execution, o *results.Outcome, err error) error {
	if statusOf(err) == exitUsage && !errors.Is(err, errNobodyToAsk) {
		return err
	}
	write := func(file string, perm fs.FileMode, what func(io.Writer, *results.Outcome) error) {
		if file == "" {
			return
		}
		var werr error
		if file == "-" {
			werr = what(x.app.out, o)
		} else {
			werr = disk.WriteFile(file, perm, func(w io.Writer) error { return what(w, o) })
		}
		switch {
		case werr != nil && err == nil:
			err = werr
			o.Exit, o.Ending, o.Reason = statusOf(err), results.Errored, message(err)
		case werr != nil && werr.Error() != err.Error(): // else it is err, found out at the start
			x.app.console.Warn("warning: %v", werr)
		}
	}
	write(m.flags.summary, 0o600, func(w io.Writer, o *results.Outcome) error { return o.JSON(w) })
	write(m.flags.metrics, 0o644, report.Metrics) // last, so that they have the final exit status
	m.events.Info("end", report.OutcomeFields(o)...)
	m.post(x, o)
	return err
}

func (m *monitor) close() {
	m.unwatch()
	m.start.end(context.Canceled) // no goroutine outlives the command
	if m.file != nil {
		m.file.Close()
	}
}

// userName returns the name of the account that runs the program, or "".
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
