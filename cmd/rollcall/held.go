package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/lock"
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
	return x.lockAs(x.job.tenant.organizationID(), noun)
}

// lockTenantID locks a tenant that goes by a domain by its ID as well, which
// others may know it by. That is known once we are signed in.
func (x *execution) lockTenantID() error {
	if x.audit || x.out.left() == 0 {
		return nil
	}
	ctx, cancel := x.interrupts.first()
	defer cancel()
	id, err := x.conn.ID(ctx)
	if err != nil {
		return explain(err, x.conn.Auth)
	}
	if id == "" || strings.EqualFold(id, x.job.tenant.organizationID()) {
		return nil
	}
	return x.lockAs(id, x.change.Setting.Noun)
}

// lockAs locks a noun of the tenant by one of the names of its organization.
func (x *execution) lockAs(organization, noun string) error {
	file, err := lock.Tenant(x.lockDir, x.job.tenant.locked(organization), noun)
	if err != nil {
		return lockHint(err)
	}
	return x.lock(file)
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
	return x.lock(lock.Results(name))
}

func (x *execution) lock(file lock.File) error {
	command := x.kind() + " " + x.rosterName
	if name := x.job.output.name; name != "" {
		command += " -o " + name
	}
	ctx, cancel := x.interrupts.first()
	defer cancel()
	l, err := file.Acquire(ctx, command, x.lockWait)
	if held, ok := errors.AsType[*lock.HeldError](err); ok {
		if status := x.interrupts.status(); status != 0 {
			return &exit{status: status, err: held}
		}
		hint := "--lock-wait DURATION waits for it"
		if held.Orphaned {
			hint += "; fuser " + file.Path + " says which process it is"
		}
		return &exit{status: exitHeld, err: held, hint: hint}
	}
	if err != nil {
		return lockHint(err)
	}
	x.locks = append(x.locks, l)
	return nil
}

// lockHint adds to err, of a lock that could not be had, what to do about it.
func lockHint(err error) error {
	e, ok := errors.AsType[*lock.AccessError](err)
	if !ok {
		return err
	}
	var hint string
	switch {
	case e.Mode != 0 && e.Shared:
		hint = fmt.Sprintf("its owner or root can mend it: chmod %o %s", 0o666, e.Path)
	case e.Mode != 0:
		hint = "it is another account's: remove it once no run has " + strings.TrimSuffix(e.Path, ".lock")
	case e.Shared:
		hint = fmt.Sprintf("every account that changes this tenant has to be able to write to %s, or to another --lock-dir DIR (rollcall help locks)", filepath.Dir(e.Path))
	}
	return &exit{status: exitError, err: err, hint: hint}
}

// inherited returns what the processes that a run starts are to have open, so that
// the tenant is locked as long as one of them lives.
func (x *execution) inherited() []*os.File {
	var files []*os.File
	for _, l := range x.locks {
		if f := l.File(); f != nil {
			files = append(files, f)
		}
	}
	return files
}

func (x *execution) unlock() {
	for _, l := range x.locks {
		l.Release()
	}
}

// recorder returns what is told of each row: the output and, for those who wait
// for them, the locks.
func (x *execution) recorder() pipeline.Recorder {
	return pipeline.Tee(x.out.recorder, holding{x})
}

// holding tells the locks how far the run has come.
type holding struct{ *execution }

func (holding) Record(*pipeline.Result) error { return nil }

func (h holding) Flush() error {
	for _, l := range h.locks {
		l.Progress(h.out.counts.Recorded + int(h.teller.recorded()))
	}
	return nil
}
