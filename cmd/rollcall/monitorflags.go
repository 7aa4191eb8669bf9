package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/pflag"

	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
	"rollcall/tenant/disk"
	"rollcall/tenant/sandbox"
)

// monitorFlags choose the files and services that get the log and the outcome of a run.
type monitorFlags struct {
	summary, metrics, ping, log string
	webhook, webhookForm        string
	logMaxSize                  int
}

func (f *monitorFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.summary, "summary-json", "", "write the outcome of the run to this `FILE` as JSON; - for standard output")
	fs.StringVar(&f.metrics, "metrics-file", "", "write the outcome to this `FILE.prom` for Prometheus's textfile collector, readable by every account")
	fs.StringVar(&f.ping, "ping", "", "ping a service that watches jobs: POST to `URL`/start, then to URL if the exit status is 0, otherwise to URL/fail")
	fs.StringVar(&f.webhook, "webhook", "", "when the run ends, post what it was and its counts, without users, to this `URL`; ROLLCALL_WEBHOOK keeps the URL out of the process list")
	fs.StringVar(&f.webhookForm, "webhook-form", webhookForms[0], "post in this `FORM`: teams (an Adaptive Card), slack, or json (the object of --summary-json without the reason)")
	fs.StringVar(&f.log, "log-file", "", "also write the log to this `FILE`, one JSON object on each line, even with --quiet")
	fs.IntVar(&f.logMaxSize, "log-max-size", 10, "start a new log file at `N` megabytes, and keep the old one as FILE.1")
}

// check returns an error if a file that is written at the end can't be written.
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

// checkFiles returns an error if flags on files contradict each other, or if two files
// are the same.
func (j *jobFlags) checkFiles(a *app, roster string) error {
	f := &j.monitoring
	switch {
	case f.logMaxSize < 1 || f.logMaxSize > 10000:
		return usage(fmt.Errorf("--log-max-size %d: want 1 to 10000 megabytes", f.logMaxSize))
	case f.metrics != "" && filepath.Ext(f.metrics) != ".prom":
		return usage(fmt.Errorf("--metrics-file %s: want a name that ends in .prom: the collector reads no other files", f.metrics))
	case f.summary == "-" && j.console.quiet:
		return usage(errors.New("--quiet prints nothing if all is well, --summary-json - always prints: want one of them, or --summary-json FILE"))
	case f.summary == "-" && (j.output.name == "-" || j.output.format != "" || j.output.baseline != "" || j.output.name == "" && !j.audit && j.tenant.isSandbox()):
		return usage(errors.New("--summary-json -: the results go to standard output already"))
	}
	baseline := j.output.baseline
	if j.output.makes {
		baseline = "" // the same as -o
	}
	var journal, locked, beside, old, changes string
	if tenant := j.tenant.file(); tenant != "" {
		changes = sandbox.LogName(tenant)
	}
	if f.log != "" {
		old = f.log + ".1"
	}
	if name := j.output.name; name != "" && name != "-" {
		journal, locked = name+".journal", lock.Results(name).Path
		if beside = results.SummaryName(name); a.sameFile(beside, f.summary) {
			beside = "" // --summary-json names the same file on purpose
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
		namedFile{"the changes of the tenant", changes, true},
		namedFile{"--baseline", baseline, false},
		namedFile{"-o", file(j.output.name), true},
		namedFile{"the journal of the results", journal, true},
		namedFile{"the lock of the results", locked, true},
		namedFile{"the summary of the results", beside, true},
		namedFile{"--html", j.output.html.name, true},
		namedFile{"--summary-json", file(f.summary), true},
		namedFile{"--metrics-file", f.metrics, true},
		namedFile{"--log-file", f.log, true},
		namedFile{"the old log file", old, true},
	)
}
