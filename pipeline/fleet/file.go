// Package fleet is what a fleet is: many tenants that are worked on as one, as a
// file says, and what becomes of each.
//
//	fleet.yaml ─ Parse ─▶ File ─▶ a job for each Tenant ─▶ Outcome ─▶ Record, WriteAll
//
// It knows no flag: what a tenant's flags are to be is for the command line to say.
// A File never holds a credential; profiles do, where the job is run.
package fleet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"rollcall/tenant/disk"
)

// A File is a fleet as its file describes it.
type File struct {
	Name     string
	Run      string        // audit, apply or undo
	Parallel int           // how many tenants are worked on at once, at most
	Takeover time.Duration // after so long without a sign of life a job is given to another worker
	Flags    []Flag        // of every tenant
	Tenants  []Tenant

	dir string // of the file: rosters are named from there
}

// A Flag is the value of a flag, by its long name.
type Flag struct {
	Name   string
	Values []string // more than one for a flag that can be repeated
	List   bool     // it was written as a list
	At     string   // where it stands
}

// A Tenant is one tenant of a fleet.
type Tenant struct {
	Name    string
	Profile string // whose values its flags have where nothing else says; or ""
	Roster  string // name of the file
	Flags   []Flag // its own, ahead of the fleet's of the same name
	At      string // where it stands
}

// The runs that a fleet can be of.
var runs = []string{"audit", "apply", "undo"}

const (
	defaultParallel = 4
	maxParallel     = 1000
	defaultTakeover = 15 * time.Second
	minTakeover     = 5 * time.Second
	maxTakeover     = 10 * time.Minute
	maxTenants      = 10_000
	maxFile         = 16 << 20
)

// A Fault is something wrong with a fleet file.
type Fault struct {
	At  string // file and line, as far as they are known
	Err error
}

func (f Fault) Error() string { return f.At + ": " + f.Err.Error() }

// Unwrap returns the cause.
func (f Fault) Unwrap() error { return f.Err }

// FaultsError is all that is wrong with a fleet file. It has one fault at least.
type FaultsError []Fault

func (e FaultsError) Error() string {
	if len(e) == 1 {
		return e[0].Error()
	}
	lines := []string{fmt.Sprintf("%d faults in the fleet file:", len(e))}
	for _, f := range e {
		lines = append(lines, "  "+f.Error())
	}
	return strings.Join(lines, "\n")
}

// Read reads the fleet file called name. The File is what can be made of it, and nil
// if that is nothing; the error, if there is one, is a [FaultsError] of all that is
// wrong, or of reading.
func Read(name string) (*File, error) {
	text, err := readFile(name)
	if err != nil {
		return nil, err
	}
	return Parse(name, text, readFile)
}

// readFile reads a file that is not larger than a fleet can be.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", name, disk.Cause(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read %s: not a regular file", name)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("read %s: %d bytes, want %d at most", name, info.Size(), maxFile)
	}
	return os.ReadFile(name)
}

// Parse is [Read] of a text that stands in the file called name. It reads a file of
// tenants, if one is named, with read.
func Parse(name string, text []byte, read func(name string) ([]byte, error)) (*File, error) {
	p := &parser{name: name, read: read, file: &File{Parallel: defaultParallel, Takeover: defaultTakeover, dir: filepath.Dir(name)}}
	p.parse(text)
	if p.file != nil {
		p.checkTenants()
	}
	if p.faults != nil {
		return p.file, p.faults
	}
	return p.file, nil
}

// path returns a name that stands in the file as others have to call it.
func (f *File) path(name string) string {
	if name == "" || name == "-" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.dir, name)
}

// FlagsOf returns the flags of a tenant, its own ahead of the fleet's.
func (f *File) FlagsOf(t Tenant) []Flag {
	all := slices.Clone(t.Flags)
	for _, flag := range f.Flags {
		if !slices.ContainsFunc(t.Flags, func(own Flag) bool { return own.Name == flag.Name }) {
			all = append(all, flag)
		}
	}
	return all
}

// plainName is what names can be that stand in the names of files and of messages.
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// deviceName is what Windows has for devices.
var deviceName = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])$`)

// checkName returns an error if name can't be a fleet's or a tenant's.
func checkName(name string) error {
	switch {
	case !plainName.MatchString(name):
		return fmt.Errorf("name %q: want letters, digits, - and _, 64 at most, the first a letter or a digit", name)
	case deviceName.MatchString(name):
		return fmt.Errorf("name %q: Windows has a device of that name", name)
	}
	return nil
}

// ownNames are what a fleet calls files of its own.
var ownNames = []string{"all", "fleet"}

// checkTenants finds what is wrong with the tenants together.
func (p *parser) checkTenants() {
	f := p.file
	first := make(map[string]Tenant)
	for _, t := range f.Tenants {
		key := strings.ToLower(t.Name)
		if was, ok := first[key]; ok && t.Name != "" {
			p.fault(t.At, fmt.Errorf("tenant %q: there is one of that name, %s", t.Name, was.At))
			continue
		}
		first[key] = t
	}
	if len(f.Tenants) > maxTenants {
		p.fault(p.name, fmt.Errorf("%d tenants, want %d at most", len(f.Tenants), maxTenants))
	}
}

// checkTenant finds what is wrong with a tenant by itself.
func (p *parser) checkTenant(t *Tenant) {
	if err := checkName(t.Name); err != nil {
		if t.Name == "" {
			err = errors.New("a tenant without a name")
		}
		p.fault(t.At, err)
	} else if slices.Contains(ownNames, strings.ToLower(t.Name)) {
		p.fault(t.At, fmt.Errorf("name %q: the results directory has files of the fleet of that name", t.Name))
	}
	switch t.Roster {
	case "":
		p.fault(t.At, fmt.Errorf("tenant %q: no roster", t.Name))
	case "-":
		p.fault(t.At, fmt.Errorf("tenant %q: roster -: want a file, which can be read again", t.Name))
	}
	t.Roster = p.file.path(t.Roster)
}
