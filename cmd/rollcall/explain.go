package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"rollcall/pipeline/job"
	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
	"rollcall/tenant"
	"rollcall/tenant/connect"
	"rollcall/tenant/disk"
)

// explain returns err, the error of a job, with its exit status, the flag that caused
// it, and what to do about it.
func (x *execution) explain(err error) error {
	if _, explained := errors.AsType[*exit](err); explained {
		return err
	}
	if _, ok := errors.AsType[*job.OutputError](err); ok {
		return &exit{status: exitError, err: err}
	}
	if e, ok := errors.AsType[*connect.SettingError](err); ok {
		return settingError(e)
	}
	if e, ok := errors.AsType[*job.WantedError](err); ok {
		return wantedError(e.Err)
	}
	if _, ok := errors.AsType[*job.NounError](err); ok {
		return &exit{status: exitUsage, err: err, hint: "--noun names the setting that the file is for"}
	}
	if e, ok := errors.AsType[*job.IgnoredError](err); ok {
		return &exit{status: exitUsage, err: err, hint: ignoredHint(e)}
	}
	if e, ok := errors.AsType[*job.OtherTenantError](err); ok {
		flags := flagsFor(e.Where)
		if flags == nil {
			flags = []string{"--tenant", connect.Sandbox}
		}
		hint := "for the tenant of the file: " + strings.TrimPrefix(commandLine(flags), "rollcall ")
		if e.Undo {
			return &exit{status: exitError, err: err, hint: hint}
		}
		return &exit{status: exitUsage, err: err, hint: hint + "; to read the values before on this one: --read-first"}
	}
	if e, ok := errors.AsType[*job.GuardError](err); ok {
		if e.Guard != "" {
			err = fmt.Errorf("%w (--%s)", err, e.Guard)
		}
		hint := ""
		if e.Guard == "max-changes" {
			hint = "rollcall audit shows which; if that is as it should be, a larger --max-changes N|P% lets them be changed"
		}
		return &exit{status: exitGuard, err: err, hint: hint}
	}
	if _, ok := errors.AsType[*job.LeftChangedError](err); ok {
		return &exit{status: exitRows, err: err}
	}
	if e, ok := errors.AsType[*job.LinkError](err); ok {
		return &exit{status: exitError, err: err, hint: "-o " + quoteArg(e.Target) + " names the file itself, which is then made"}
	}
	if e, ok := errors.AsType[*lock.HeldError](err); ok {
		return &exit{status: exitHeld, err: err, hint: heldHint(e)}
	}
	if e, ok := errors.AsType[*lock.AccessError](err); ok {
		hint := accessErrorHint(e)
		if x.recordNamed && !e.Shared {
			hint = "the record can't be written in this directory: name a file with -o FILE"
		}
		return &exit{status: exitError, err: err, hint: hint}
	}
	switch {
	case errors.Is(err, job.ErrNotResults):
		return &exit{status: exitError, err: err, hint: "undo takes the file that apply wrote, which -o names"}
	case x.recordNamed: // nobody asked for that file: neither flag is for it
	case errors.Is(err, disk.ErrExists), errors.Is(err, results.ErrJournal):
		return &exit{status: exitError, err: err, hint: "--resume goes on with it, --overwrite replaces it"}
	}
	return explain(rosterError(err), x.tenant.method())
}

// wantedError returns err, why a change is not possible, as an error of the command
// line.
func wantedError(err error) error {
	e := &exit{status: exitUsage, err: err}
	if retired, ok := errors.AsType[*tenant.RetiredError](err); ok {
		e.hint = fmt.Sprintf("--excluded-as %s sets %[1]s for each row that wants %s", retired.Replacement, retired.Value)
	}
	if s, ok := errors.AsType[*connect.SettingError](err); ok {
		return settingError(s)
	}
	if errors.Is(err, job.ErrNoChange) {
		e.hint = "--privacy-mode opt-in|opt-out, or --set NAME=VALUE (NAME=@COLUMN takes each row's value from a column)"
	}
	return e
}

// heldHint returns what to do about a lock that another run holds.
func heldHint(e *lock.HeldError) string {
	hint := "--lock-wait DURATION waits for the lock"
	if e.Orphaned {
		hint += "; fuser " + e.File.Path + " shows which process holds it"
	}
	return hint
}

// accessErrorHint returns what to do about a lock file that can't be opened.
func accessErrorHint(e *lock.AccessError) string {
	switch {
	case e.Mode != 0 && e.Shared:
		return fmt.Sprintf("its owner or root can repair it: chmod %o %s", 0o666, e.Path)
	case e.Mode != 0:
		return "the file belongs to another account: remove it when no run uses " + strings.TrimSuffix(e.Path, ".lock")
	case e.Shared:
		return fmt.Sprintf("every account that changes this tenant needs write access to %s, or to another --lock-dir DIR (rollcall help locks)", filepath.Dir(e.Path))
	}
	return ""
}
