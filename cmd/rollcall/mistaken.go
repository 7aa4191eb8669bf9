package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline/roster"
)

// foreignFlags maps flags of other programs, in small letters and without dashes, to
// flags of ours that do the same.
var foreignFlags = map[string]string{
	"n": "dry-run", "whatif": "dry-run", "dry": "dry-run", "dryrun": "dry-run", "noop": "dry-run", "check": "dry-run", "simulate": "dry-run",
	"out": "output", "outfile": "output", "outputfile": "output",
	"confirm": "yes", "assumeyes": "yes",
	"j": "workers", "jobs": "workers", "parallel": "workers", "threads": "workers", "concurrency": "workers", "throttlelimit": "workers",
	"debug": "verbose", "silent": "quiet", "tenantid": "organization", "appid": "client-id", "continue": "resume",
}

// bare returns the name of a flag in small letters, without dashes.
func bare(name string) string { return strings.ToLower(strings.ReplaceAll(name, "-", "")) }

// meant returns the flag of c that the user is likely to mean by name, which is no flag
// of c, or "".
func meant(c *cobra.Command, name string) string {
	var names []string
	c.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	slices.Sort(names)
	if ours := foreignFlags[bare(name)]; slices.Contains(names, ours) {
		return ours
	}
	if i := slices.IndexFunc(names, func(n string) bool { return bare(n) == bare(name) }); i >= 0 {
		return names[i]
	}
	if i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, strings.ToLower(name)) }); i >= 0 && len(name) > 2 {
		return names[i]
	}
	return roster.Nearest(name, names)
}

// checkDashes returns an error for a long flag with a single dash, as in PowerShell:
// -output x.csv would write to a file called utput.
func checkDashes(root *cobra.Command, args []string) error {
	c, _, err := root.Find(args)
	if err != nil {
		return nil // root.Execute reports it
	}
	long := make(map[string]*pflag.Flag)
	note := func(flag *pflag.Flag) { long[bare(flag.Name)] = flag }
	c.LocalFlags().VisitAll(note)
	c.InheritedFlags().VisitAll(note)
	for i, arg := range args {
		if arg == "--" {
			return nil
		}
		name, ok := strings.CutPrefix(arg, "-")
		if end := strings.IndexAny(name, "=:"); end >= 0 {
			name = name[:end]
		}
		if !ok || strings.HasPrefix(name, "-") || len(name) < 3 || i > 0 && isValue(args[i-1], long) {
			continue
		}
		flag := long[bare(name)]
		if flag == nil {
			flag = long[bare(foreignFlags[bare(name)])]
		}
		if flag != nil {
			return &exit{status: exitUsage, err: fmt.Errorf("unknown flag: -%s", name), hint: "did you mean --" + flag.Name + "? " + c.CommandPath() + " --help lists the flags"}
		}
	}
	return nil
}

// isValue reports whether the word after before on the command line is the value of
// the flag before.
func isValue(before string, long map[string]*pflag.Flag) bool {
	name, ok := strings.CutPrefix(before, "--")
	flag := long[bare(name)]
	return before == "-o" || ok && flag != nil && flag.NoOptDefVal == ""
}
