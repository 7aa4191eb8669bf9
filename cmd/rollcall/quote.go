package main

import (
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"rollcall/report"
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
	if report.Shown(arg) != arg && !strings.HasSuffix(arg, "\n") {
		return printed(arg)
	}
	if arg != "" && !strings.ContainsAny(arg, " \t\n'\"\\$&|;<>()*?[]#~`!{}") {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// printed returns arg, which has characters that are not shown as they are, as a word that
// the shell makes with printf: $'...' is not in every shell. The word must not end in a
// line feed, which the shell would remove.
func printed(arg string) string {
	var b strings.Builder
	for i, r := range arg {
		plain := r > '~' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("_./,:=@+ ", r) || r == '-' && i > 0 // not an option of printf
		_, size := utf8.DecodeRuneInString(arg[i:])
		text := arg[i : i+size]
		if plain && report.Shown(text) == text {
			b.WriteString(text)
			continue
		}
		for _, c := range []byte(text) {
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	return `"$(printf '` + b.String() + `')"`
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
