package main

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/pflag"
)

// checkPaths returns an error if a flag holds a name that no file can have, from
// whichever source the value comes.
func checkPaths(fs *pflag.FlagSet) (err error) {
	fs.VisitAll(func(flag *pflag.Flag) {
		if err != nil || !namesFile(flag) {
			return
		}
		name := flag.Value.String()
		if flag.Name == "tenant" {
			_, name, _ = strings.Cut(name, ":")
		}
		if why := wrongPath(name, runtime.GOOS); why != "" {
			// Quote the value, but do not double the backslashes of a path.
			err = usage(fmt.Errorf("--%s %s: %s", flag.Name, strings.ReplaceAll(strconv.Quote(flag.Value.String()), `\\`, `\`), why))
		}
	})
	return err
}

// namesFile reports whether the value of a flag is or contains the name of a file.
func namesFile(flag *pflag.Flag) bool {
	what, _ := pflag.UnquoteUsage(flag)
	return strings.HasPrefix(what, "FILE") || what == "PROGRAM" || flag.Name == "tenant"
}

// wrongPath returns why no file that can be read or written on a system has this name,
// or "".
func wrongPath(name, system string) string {
	if strings.ContainsFunc(name, unicode.IsControl) {
		return `the name has a control character: in YAML, a backslash between double quotes begins an escape; write 'C:\temp\new.pfx', in single quotes`
	}
	// On the disks of Windows, the text after a colon names a stream of a file, which
	// no listing shows.
	name = strings.TrimPrefix(name, `\\?\`)
	if system == "windows" && strings.LastIndex(name, ":") > len("C:")-1 {
		return "a colon is allowed only after the letter of a drive"
	}
	return ""
}
