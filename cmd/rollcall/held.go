package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"rollcall/pipeline"
	"rollcall/report"
)

// lockTenant keeps others on this machine from writing to the tenant meanwhile.
// A sandbox in memory is nobody else's anyway.
func (x *execution) lockTenant() error {
	if x.audit || x.job.tenant.tenant == "sandbox" {
		return nil
	}
	noun := x.change.Setting.Noun
	if x.job.tenant.file() != "" {
		noun = "" // the file is written as a whole
	}
	return x.lockName(x.job.tenant.identity(), noun)
}

// lockTenantID locks a tenant that goes by a domain by its ID as well, which
// others may know it by. That is known once we are signed in.
func (x *execution) lockTenantID() error {
	if x.audit || x.conn.tenantID == nil || x.out.left() == 0 {
		return nil
	}
	ctx, cancel := x.interrupts.first()
	defer cancel()
	id, err := x.conn.tenantID(ctx)
	if err != nil {
		return x.conn.explain(err)
	}
	if id == "" || strings.EqualFold(id, x.job.tenant.organizationID()) {
		return nil
	}
	return x.lockName(x.job.tenant.identityOf(id), x.change.Setting.Noun)
}

func (x *execution) lockName(identity, noun string) error {
	path, err := tenantLock(identity, noun)
	if err != nil {
		return err
	}
	return x.lock(path, strings.TrimSpace(noun+" of the tenant "+identity))
}

// lockResults keeps others from the results file.
func (x *execution) lockResults() error {
	name := x.job.output.name
	if name == "" || name == "-" {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(name)); err != nil {
		return nil // whoever creates the file says why not
	}
	return x.lock(resultsLock(name), name)
}

func (x *execution) lock(path, what string) error {
	l, err := acquire(path, what, x.lockWait, x.interrupts.stop)
	if held, ok := errors.AsType[*heldError](err); ok {
		if status := x.interrupts.status(); status != 0 {
			return &exit{status: status, err: held}
		}
		return &exit{status: exitHeld, err: held, hint: "--lock-wait DURATION waits for it"}
	}
	if err != nil {
		return err
	}
	x.locks = append(x.locks, l)
	return nil
}

func (x *execution) unlock() {
	for _, l := range x.locks {
		l.release()
	}
}

// recorder returns what is told of each row: the output and, for those who wait
// for them, the locks.
func (x *execution) recorder() pipeline.Recorder {
	return report.Tee(x.out.recorder, holding{x})
}

// holding tells the locks how far the run has come.
type holding struct{ *execution }

func (holding) Record(*pipeline.Result) error { return nil }

func (h holding) Flush() error {
	for _, l := range h.locks {
		l.progress(h.out.counts.Recorded + int(h.teller.recorded()))
	}
	return nil
}
