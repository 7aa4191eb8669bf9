package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// variablePrefix begins the names of the environment variables that set flags:
// ROLLCALL_MAX_ERRORS for --max-errors.
const variablePrefix = "ROLLCALL_"

// profileFlags name the profile, and record the source of each flag's value.
type profileFlags struct {
	name, config string

	origins map[string]string // by flag: where a value that is no default comes from
}

func (f *profileFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.name, "profile", "", "take values for flags from the profile called `NAME`")
	fs.StringVar(&f.config, "config", "", "the `FILE` with profiles (default rollcall/rollcall.yaml in the user's configuration directory)")
}

// settle sets the flags of c that are not on the command line: from the environment,
// then from the profile. The others keep their defaults.
func (f *profileFlags) settle(a *app, c *cobra.Command) error {
	if standsApart(c) {
		return nil
	}
	if err := f.settleFlags(a, c.Flags(), flagNames(c.Root())); err != nil {
		return err
	}
	if f.name == "" && f.origins["config"] == "flag" && !ofFleet(c) { // the tenants of a fleet name their profiles
		return &exit{status: exitUsage, err: fmt.Errorf("--config %s has no effect without --profile", f.config), hint: "--profile NAME takes one of them"}
	}
	return nil
}

// settleFlags sets the flags of fs like settle. Names are the flags that a profile can
// set.
func (f *profileFlags) settleFlags(a *app, fs *pflag.FlagSet, names []string) error {
	f.origins = make(map[string]string)
	fs.Visit(func(flag *pflag.Flag) { f.origins[flag.Name] = "flag" })
	if err := f.fromEnvironment(a, fs, names); err != nil {
		return usage(err)
	}
	if f.name == "" {
		return nil
	}
	file := f.config
	if file == "" {
		var err error
		if file, err = configFile(); err != nil {
			return err
		}
	}
	p, err := readProfile(file, f.name, names)
	if err != nil {
		return profileError(f.name, f.config, err)
	}
	return usage(f.fromProfile(fs, p))
}

// fromEnvironment sets flags from the ROLLCALL_ variables. It warns of a variable for
// which there is no flag: it may be a misspelt guard, which would silently not work.
func (f *profileFlags) fromEnvironment(a *app, fs *pflag.FlagSet, names []string) error {
	variables := os.Environ()
	slices.Sort(variables)
	for _, v := range variables {
		variable, value, _ := strings.Cut(v, "=")
		if runtime.GOOS == "windows" { // where names have no case
			variable = strings.ToUpper(variable)
		}
		word, ours := strings.CutPrefix(variable, variablePrefix)
		if !ours || value == "" || slices.Contains(secretVariables, variable) || slices.Contains(completionVariables, variable) {
			continue
		}
		name := strings.ToLower(strings.ReplaceAll(word, "_", "-"))
		if !slices.Contains(append(names, "profile", "config"), name) {
			a.console.Warn("warning: the environment variable %s is ignored: there is no such flag", variable)
			continue
		}
		flag := fs.Lookup(name)
		if flag == nil || f.origins[name] != "" || flagOnly(flag) {
			continue
		}
		if err := flag.Value.Set(value); err != nil {
			return fmt.Errorf("%s %q: %s", variable, value, wantedOf(flag))
		}
		f.origins[name] = variable
	}
	return nil
}

// fromProfile sets from p the flags that are not set yet.
func (f *profileFlags) fromProfile(fs *pflag.FlagSet, p *profile) error {
	for name, v := range p.values {
		flag := fs.Lookup(name)
		if flag == nil || f.origins[name] != "" || flagOnly(flag) {
			continue
		}
		if _, repeats := flag.Value.(pflag.SliceValue); v.list && !repeats {
			return p.wrong(v.line, fmt.Errorf("%s: want one value, not a list", name))
		}
		for _, text := range v.texts {
			if err := flag.Value.Set(text); err != nil {
				return p.wrong(v.line, fmt.Errorf("%s %q: %s", name, text, wantedOf(flag)))
			}
		}
		f.origins[name] = "profile " + p.name
	}
	return nil
}

// flagNames returns the long names of the flags that a profile can set, sorted.
func flagNames(root *cobra.Command) []string {
	var names []string
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
			if flag.Name != "help" && flag.Name != "version" {
				names = append(names, flag.Name)
			}
		})
		for _, sub := range c.Commands() {
			if !standsApart(sub) {
				walk(sub)
			}
		}
	}
	walk(root)
	slices.Sort(names)
	return slices.Compact(names)
}

// standsApart reports whether neither environment nor profile sets flags of c. That is
// so for cobra's own commands, and for the sandbox server: its flags have the same names
// as those of a run, and mean something else.
func standsApart(c *cobra.Command) bool {
	if !c.HasParent() || c.Name() == "version" {
		return true
	}
	for ; c.HasParent(); c = c.Parent() {
		if c.Name() == "help" || c.Name() == "completion" || c.Name() == "sandbox" || strings.HasPrefix(c.Name(), "__") {
			return true
		}
	}
	return false
}

// wantedOf returns which values a flag takes, as the end of an error: "want …".
func wantedOf(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "bool":
		return "want true or false"
	case "int", "uint64":
		return "want a whole number"
	case "float64":
		return "want a number"
	case "duration":
		return "want a duration, such as 30s or 5m"
	case "days":
		return "want days, such as 30d, or a duration, such as 12h"
	}
	return "want " + flag.Usage
}
