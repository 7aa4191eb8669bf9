package main

import (
	"runtime"
	"strings"
)

// commandLine returns what a shell of this system takes for rollcall with these
// arguments.
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

// quoteForWindows returns arg as one word of cmd.exe and of PowerShell, which have
// double quotes in common. They do not agree on what has a dollar sign, a backtick
// or a double quote: that is quoted for PowerShell, in a way that is an error in
// cmd.exe and not another argument.
func quoteForWindows(arg string) string {
	const (
		dollars = "$`\"“”„" // that PowerShell takes for something in double quotes
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
	// Backslashes ahead of a double quote are doubled, or they would escape it.
	path := strings.TrimRight(arg, `\`)
	return `"` + path + strings.Repeat(`\`, 2*(len(arg)-len(path))) + `"`
}

// isFlag reports whether arg is the name of a flag, without a value. PowerShell
// cuts others, such as -ofile.csv, at the first point or colon.
func isFlag(arg string) bool {
	return strings.HasPrefix(arg, "-") && strings.Trim(arg, "-abcdefghijklmnopqrstuvwxyz0123456789") == ""
}
