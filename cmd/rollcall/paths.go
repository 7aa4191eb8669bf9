package main

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/pflag"
)

// checkPaths refuses names of files that can't be meant, wherever the flags have
// them from.
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
			// Quoted, but for the backslashes of a path.
			err = usage(fmt.Errorf("--%s %s: %s", flag.Name, strings.ReplaceAll(strconv.Quote(flag.Value.String()), `\\`, `\`), why))
		}
	})
	return err
}

// namesFile reports whether a flag's value is, or holds, the name of a file.
func namesFile(flag *pflag.Flag) bool {
	what, _ := pflag.UnquoteUsage(flag)
	return strings.HasPrefix(what, "FILE") || what == "PROGRAM" || flag.Name == "tenant"
}

// wrongPath says why name is not one of a file to be read or written on a system,
// or returns "".
func wrongPath(name, system string) string {
	if strings.ContainsFunc(name, unicode.IsControl) {
		return `there is a control character in it: in YAML a backslash between double quotes begins one; write 'C:\temp\new.pfx', in single quotes`
	}
	// What is behind a colon is a part of its own of a file, which no listing
	// shows, on the disks of Windows.
	name = strings.TrimPrefix(name, `\\?\`)
	if system == "windows" && strings.LastIndex(name, ":") > len("C:")-1 {
		return "a colon can only stand behind the letter of a drive"
	}
	return ""
}
