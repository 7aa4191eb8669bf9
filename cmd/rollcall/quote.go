package main

import (
	"runtime"
	"strings"
)

// commandLine returns the command line, for a shell of this system, that runs rollcall
// with these arguments.
func commandLine(args []string) string {
	line := "rollcall"
	for _, arg := range args {
		line += " " + quoteArg(arg)
	}
	return line
}

// quoteArg returns arg as one word of a command line of this system.
func quoteArg(arg string) string {
	if runtime.GOOS == "windows" {
		return quoteForWindows(arg)
	}
	return quoteForSh(arg)
}

func quoteForSh(arg string) string {
	if arg != "" && !strings.ContainsAny(arg, " \t\n'\"\\$&|;<>()*?[]#~`!{}") {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// quoteForWindows returns arg as one word for both cmd.exe and PowerShell, which share
// double quotes. They treat a dollar sign, a backtick and a double quote differently: a
// word with one of these is quoted for PowerShell, so that cmd.exe fails instead of
// passing another argument.
func quoteForWindows(arg string) string {
	const (
		dollars = "$`\"“”„" // special to PowerShell within double quotes
		singles = "'‘’‚‛"
		special = " \t&|<>^()[]{}@#;,=%!*?" + singles
	)
	switch {
	case strings.ContainsAny(arg, dollars):
		var b strings.Builder
		for _, r := range arg {
			b.WriteRune(r)
			if strings.ContainsRune(singles, r) {
				b.WriteRune(r)
			}
		}
		return "'" + b.String() + "'"
	case arg != "" && !strings.ContainsAny(arg, special) && !strings.HasPrefix(arg, "-"):
		return arg
	case isFlag(arg):
		return arg
	}
	// Backslashes before a double quote are doubled, or they would escape it.
	path := strings.TrimRight(arg, `\`)
	return `"` + path + strings.Repeat(`\`, 2*(len(arg)-len(path))) + `"`
}

// isFlag reports whether arg is the name of a flag, without a value. PowerShell splits
// other words with a dash, such as -ofile.csv, at the first point or colon.
func isFlag(arg string) bool {
	return strings.HasPrefix(arg, "-") && strings.Trim(arg, "-abcdefghijklmnopqrstuvwxyz0123456789") == ""
}
