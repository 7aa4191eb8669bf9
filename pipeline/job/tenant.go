package job

import (
	"errors"
	"fmt"
	"strings"

	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
	"rollcall/tenant/connect"
	"rollcall/tenant/disk"
)

// lockTenant locks the tenant against other runs that write to it. A sandbox in memory
// needs no lock.
func (j *job) lockTenant() error {
	if j.Audit || j.Settings.Tenant == connect.Sandbox {
		return nil
	}
	noun := j.Change.Setting.Noun
	if j.Settings.File() != "" {
		noun = "" // the file is written as a whole
	}
	return j.lockAs(j.Settings.Organization, noun)
}

// lockID locks a tenant that was named by a domain by its ID, too: other runs may name it
// by that. The ID is known after signing in.
func (j *job) lockID() error {
	if j.Audit || j.idle() {
		return nil
	}
	ctx, cancel := j.softContext()
	defer cancel()
	id, err := j.Tenant.ID(ctx)
	if err != nil || id == "" || strings.EqualFold(id, j.Settings.Organization) {
		return err
	}
	return j.lockAs(id, j.Change.Setting.Noun)
}

// lockAs locks a noun of the tenant under one of the names of its organization.
func (j *job) lockAs(organization, noun string) error {
	file, err := lock.Tenant(j.LockDir, j.Settings.LockKey(organization), noun)
	if err != nil {
		return err
	}
	return j.lock(file)
}

func (j *job) lock(file lock.File) error {
	ctx, cancel := j.softContext()
	defer cancel()
	l, err := file.Acquire(ctx, j.Command, j.LockWait)
	if err != nil {
		return err
	}
	j.locks = append(j.locks, l)
	return nil
}

// connect opens the tenant. No call is made yet.
func (j *job) connect() (err error) {
	j.Tenant, err = j.Open(j.Settings, connect.Options{
		Noun:    j.Change.Setting.Noun,
		Workers: j.Workers,
		Inherit: j.inherited(),
		Log:     j.Log,
		Prompt:  j.Prompt,
		Warn:    func(text string) { j.warn("%s", text) },
		Inform:  func(text string) { j.observe(Note{text}) },
	})
	if err != nil {
		return err
	}
	j.onEnd(j.Tenant.Close)
	j.observe(Connected{j.Tenant, j.unnamed})
	return nil
}

// checkTenant returns an error if the run to undo was on another tenant, if values before
// of another tenant would be recorded, or if the tenant's file can't be written.
func (j *job) checkTenant() error {
	if m := j.Source.Manifest(); m != nil && !m.Where.Same(where(&j.Settings)) {
		switch {
		case j.Undo:
			return &OtherTenantError{Undo: true, Roster: j.Roster, Of: m.Tenant, Where: m.Where, Here: j.Tenant.Name}
		case (m.Befores || m.Run == "audit") && j.Change.HasBefores() && !j.ReadFirst && !j.Audit:
			return &OtherTenantError{Roster: j.Roster, Of: m.Tenant, Where: m.Where, Here: j.Tenant.Name}
		}
	}
	name := j.Settings.File()
	if j.Audit || name == "" {
		return nil
	}
	if err := disk.CanWriteFile(name); err != nil {
		return fmt.Errorf("change %s: it could not be saved: %w", name, err)
	}
	return nil
}

// An OtherTenantError says that the run to undo was on another tenant, or that the values
// before in a results file, or in a diff, are those of another one.
type OtherTenantError struct {
	Undo     bool
	Roster   string
	Of, Here string        // names of the tenants
	Where    results.Where // the former, for a program
}

func (e *OtherTenantError) Error() string {
	if e.Undo {
		return fmt.Sprintf("undo %s: its run was on the %s, and this is the %s", e.Roster, e.Of, e.Here)
	}
	return fmt.Sprintf("apply %s: its values before are those of the %s, and this is the %s", e.Roster, e.Of, e.Here)
}

// signIn signs in to the tenant, if there is anything to do.
func (j *job) signIn() error {
	if j.idle() {
		return nil
	}
	ctx, cancel := j.softContext()
	defer cancel()
	err := j.Tenant.SignIn(ctx, !j.Audit)
	if err != nil && j.stopped() {
		return ErrInterrupted
	}
	if _, ok := errors.AsType[*connect.UnansweredError](err); ok {
		return fmt.Errorf("%w: nothing was changed", err)
	}
	return err
}

// approve calls Approve, unless the job only reads or the tenant is a sandbox.
func (j *job) approve() error {
	j.observe(Ready{&j.Plan})
	if j.Audit || !j.Tenant.Real || j.idle() || j.Approve == nil {
		return nil
	}
	return j.Approve(j.Plan)
}
