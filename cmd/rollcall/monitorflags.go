package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/pflag"

	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
	"rollcall/tenant/disk"
)

// monitorFlags say what else has what a run does: what watches scheduled jobs.
type monitorFlags struct {
	summary, metrics, ping, log string
	webhook, webhookForm        string
	logMaxSize                  int
}

func (f *monitorFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.summary, "summary-json", "", "write what came of the run to this `FILE`, as JSON; - for standard output")
	fs.StringVar(&f.metrics, "metrics-file", "", "write it to this `FILE.prom` too, for Prometheus's textfile collector, which may read it")
	fs.StringVar(&f.ping, "ping", "", "tell a service that watches jobs: POST to `URL`/start, then to URL if the exit status is 0, else to URL/fail")
	fs.StringVar(&f.webhook, "webhook", "", "post which run it was and what came of it, without users, to this `URL` when it is over, however it ended; ROLLCALL_WEBHOOK keeps the URL out of the process list")
	fs.StringVar(&f.webhookForm, "webhook-form", webhookForms[0], "post it as this `FORM`: teams (an Adaptive Card), slack, or json, the object of --summary-json without its reason")
	fs.StringVar(&f.log, "log-file", "", "log to this `FILE`, a JSON object a line, --quiet or not")
	fs.IntVar(&f.logMaxSize, "log-max-size", 10, "begin the log file anew at `N` megabytes; the old one is kept as FILE.1")
}

// check returns an error if what is to be written in the end can't be.
func (f *monitorFlags) check(m *monitor) error {
	if m.file != nil {
		if err := m.file.Check(); err != nil {
			return err
		}
	}
	for _, file := range []string{f.summary, f.metrics} {
		if file == "" || file == "-" {
			continue
		}
		if err := disk.CanWriteFile(file); err != nil {
			return err
		}
	}
	return nil
}

// checkFiles refuses flags that can't be meant, and files that get in each other's
// way.
func (j *jobFlags) checkFiles(a *app, roster string) error {
	f := &j.monitoring
	switch {
	case f.logMaxSize < 1 || f.logMaxSize > 10000:
		return usage(fmt.Errorf("--log-max-size %d: want 1 to 10000 megabytes", f.logMaxSize))
	case f.metrics != "" && filepath.Ext(f.metrics) != ".prom":
		return usage(fmt.Errorf("--metrics-file %s: want a name that ends in .prom, for no other is collected", f.metrics))
	case f.summary == "-" && j.console.quiet:
		return usage(errors.New("--quiet says nothing if all is well, --summary-json - always does: want one of them, or --summary-json FILE"))
	case f.summary == "-" && (j.output.name == "-" || j.output.format != "" || j.output.baseline != "" || j.output.name == "" && !j.audit && j.tenant.isSandbox()):
		return usage(errors.New("--summary-json -: standard output has the results already"))
	}
	baseline := j.output.baseline
	if j.output.makes {
		baseline = "" // the same as -o
	}
	var journal, locked, beside, old string
	if f.log != "" {
		old = f.log + ".1"
	}
	if name := j.output.name; name != "" && name != "-" {
		journal, locked = name+".journal", lock.Results(name).Path
		if beside = results.SummaryName(name); a.sameFile(beside, f.summary) {
			beside = "" // it is asked for by name
		}
	}
	file := func(name string) string {
		if name == "-" { // standard output
			return ""
		}
		return name
	}
	return a.distinct(
		namedFile{"the roster", roster, false},
		namedFile{"--tenant", j.tenant.file(), false},
		namedFile{"--baseline", baseline, false},
		namedFile{"-o", file(j.output.name), true},
		namedFile{"the journal of the results", journal, true},
		namedFile{"the lock of the results", locked, true},
		namedFile{"the summary of the results", beside, true},
		namedFile{"--html", j.output.html.name, true},
		namedFile{"--summary-json", file(f.summary), true},
		namedFile{"--metrics-file", f.metrics, true},
		namedFile{"--log-file", f.log, true},
		namedFile{"the log file when it is full", old, true},
	)
}
