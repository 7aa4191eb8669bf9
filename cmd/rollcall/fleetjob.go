package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/job"
	"rollcall/pipeline/roster"
	"rollcall/report"
	"rollcall/tenant/connect"
	"rollcall/tenant/disk"
)

// A fleetJob is one tenant of a fleet, as a run of the command on it would be.
type fleetJob struct {
	fleet.Tenant
	x        *execution
	found    *job.Inspection
	warnings []string // of what was found
	changed  bool     // it is not what it was when the fleet began
}

// planTenant makes the job of a tenant, as its command would with its flags, and
// looks at its roster. Names are those that profiles can have.
func (a *app) planTenant(file *fleet.File, t fleet.Tenant, names []string) (*fleetJob, []fleet.Fault) {
	f := new(jobFlags)
	fs := pflag.NewFlagSet(file.Run, pflag.ContinueOnError)
	var faults []fleet.Fault
	fault := func(at string, err error) { faults = append(faults, fleet.Fault{At: at, Err: err}) }
	ofTenant := func(err error) {
		if flag, of := fleetFlag(file, t, err.Error()); of { // said once, and not for each tenant
			fault(flag.At, err)
			return
		}
		fault(t.At, fmt.Errorf("tenant %q: %w", t.Name, err))
	}
	switch file.Run {
	case "audit":
		f.addAudit(fs)
	case "apply":
		f.addApply(fs)
	case "undo":
		f.addUndo(fs)
	default: // a fault already, and whose flags these are is not known
		if err := canBeRoster(t.Roster, roster.Options{}); err != nil {
			ofTenant(err)
		}
		return nil, faults
	}
	for _, flag := range file.FlagsOf(t) {
		if err := setFleetFlag(fs, flag, file.Run); err != nil {
			fault(flag.At, err)
		}
	}
	own := &app{args: a.args, out: io.Discard, err: io.Discard, console: report.NewConsole(io.Discard)}
	own.profile.name, own.profile.config = t.Profile, a.profile.config
	for name, value := range map[string]*string{"profile": &own.profile.name, "config": &own.profile.config} {
		if *value != "" { // then it stands in the command lines that reports suggest
			fs.StringVar(value, name, *value, "")
			fs.Set(name, *value)
		}
	}
	if err := own.profile.settleFlags(own, fs, names); err != nil {
		ofTenant(err)
	}
	for _, check := range []func() error{func() error { return checkPaths(fs) }, f.change.checkMode, f.record.check} {
		if err := check(); err != nil {
			ofTenant(err)
		}
	}
	x := &execution{jobFlags: f, app: own, rosterName: t.Roster, interrupts: newInterrupts(0)}
	for _, err := range x.valueFaults() {
		ofTenant(err)
	}
	if faults != nil || !isNamed(t.Roster) { // what is wanted may not be known, the roster is
		if layout, err := f.roster.options(); err == nil {
			if err := canBeRoster(t.Roster, layout); err != nil {
				ofTenant(err)
			}
		}
		return nil, faults
	}
	j := &fleetJob{Tenant: t, x: x}
	if err := j.inspect(); err != nil {
		ofTenant(errors.New(message(err)))
	}
	return j, faults
}

// isNamed reports whether a fleet file names a roster, which is a fault if not.
func isNamed(roster string) bool { return roster != "" && roster != "-" }

// canBeRoster returns an error if the file called name can't be a roster. Nothing is
// said of one that is not named.
func canBeRoster(name string, o roster.Options) error {
	if !isNamed(name) {
		return nil
	}
	if err := checkRegular(name); err != nil {
		return err
	}
	r, err := roster.Open(name, nil, o)
	if err != nil {
		return err
	}
	return r.Close()
}

// checkRegular returns an error if the file called name can't be read more than once.
func checkRegular(name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return fmt.Errorf("roster %s: %w", name, disk.Cause(err))
	}
	return nil
}

// inspect finds out what the job is to do.
func (j *fleetJob) inspect() error {
	if err := checkRegular(j.Roster); err != nil {
		return err
	}
	o, err := j.x.options()
	if err == nil {
		o.Outputs, o.Observers = nil, []job.Observer{j} // nothing is written, and nobody told
		j.found, err = o.Inspect(context.Background())
	}
	if err != nil {
		return j.x.explain(err)
	}
	return nil
}

// Observe notes what is not as it should be.
func (j *fleetJob) Observe(e job.Event) {
	switch e := e.(type) {
	case job.Warning:
		if e.Err != nil {
			e.Text = message(j.x.explain(e.Err))
		}
		j.warnings = append(j.warnings, e.Text)
	case job.Opened:
		j.warnings = append(j.warnings, e.Users.Description().Warnings...)
		if e.Source != nil && e.Source.Past != nil {
			j.warnings = append(j.warnings, e.Source.Past.Doubts...)
		}
	}
}

// setFleetFlag gives a flag of the command called run the value that a fleet file
// has for it.
func setFleetFlag(fs *pflag.FlagSet, f fleet.Flag, run string) error {
	flag := fs.Lookup(f.Name)
	if flag == nil {
		err := fmt.Errorf("unknown flag %q: %s has no such flag", f.Name, run)
		if s := roster.Nearest(f.Name, flagNamesOf(fs)); s != "" {
			err = fmt.Errorf("unknown flag %q: did you mean %s?", f.Name, s)
		}
		return err
	}
	if belongsToFleet(flag) {
		return fmt.Errorf("flag %s: it is for the whole fleet, or the fleet does what it is for (rollcall help fleet)", f.Name)
	}
	if _, repeats := flag.Value.(pflag.SliceValue); f.List && !repeats {
		return fmt.Errorf("flag %s: want one value, not a list", f.Name)
	}
	for _, v := range f.Values {
		if err := fs.Set(f.Name, v); err != nil {
			return fmt.Errorf("flag %s %q: %s", f.Name, v, wantedOf(flag))
		}
	}
	return nil
}

// belongsToFleet reports whether a flag of a run is none of a fleet's tenants.
func belongsToFleet(flag *pflag.Flag) bool {
	switch flag.Annotations[groupAnnotation][0] {
	case "Messages", "Monitoring":
		return true
	case "Output":
		return flag.Name != "excel" && flag.Name != "note"
	}
	return slices.Contains([]string{"yes", "dry-run", "stop-timeout"}, flag.Name)
}

func flagNamesOf(fs *pflag.FlagSet) (names []string) {
	fs.VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return names
}

// writesTo returns what a job works on, of which there can be one at a time: an
// organization and a setting, or a file. It is empty of a sandbox, which is the job's
// own.
func (j *fleetJob) writesTo() string {
	s, noun := j.found.Settings, j.found.Noun
	if s.Tenant == connect.Sandbox {
		return ""
	}
	if s.File() != "" {
		noun = "" // the file is written as a whole
	}
	return strings.ToLower(s.LockKey(s.Organization) + "\x00" + noun)
}

// queueKey returns what a queue knows by which of its jobs work on the same.
func (j *fleetJob) queueKey(fleet string) string {
	key := j.writesTo()
	if key == "" {
		key = fleet + "\x00" + j.Name
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// holds says for people what a job works on.
func (j *fleetJob) holds() string { return fmt.Sprintf("%s of the %s", j.found.Noun, j.found.Tenant) }
