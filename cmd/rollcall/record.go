package main

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// recordFlags add the user's own words to the record of a run.
type recordFlags struct{ note string }

func (f *recordFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.note, "note", "", "record this `TEXT`, such as the number of a change request, in the summary and the reports")
}

// Bounds of the text in a summary.
const (
	maxNote        = 500  // characters
	maxCommandLine = 4000 // characters
)

// check returns an error if the note is too long or can't be shown as it is.
func (f *recordFlags) check() error {
	switch {
	case utf8.RuneCountInString(f.note) > maxNote:
		return usage(fmt.Errorf("--note: the text has %d characters: want at most %d", utf8.RuneCountInString(f.note), maxNote))
	case !utf8.ValidString(f.note) || strings.ContainsFunc(f.note, func(r rune) bool { return !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r) }):
		return usage(errors.New("--note: want one line of text"))
	}
	return nil
}

// recordedCommand returns the command line for the record, without secrets.
func (a *app) recordedCommand() string {
	line := []rune(strings.ToValidUTF8(commandLine(withoutSecrets(a.args)), "\ufffd"))
	if len(line) > maxCommandLine {
		return string(line[:maxCommandLine]) + "…"
	}
	return string(line)
}

// withoutSecrets returns args without secrets. The value of a flag that is a secret URL
// is reduced to its host; any other URL loses its user, password, query and fragment.
func withoutSecrets(args []string) []string {
	kept := slices.Clone(args)
	for i, arg := range args {
		flag, value, joined := strings.Cut(arg, "=")
		switch {
		case i > 0 && slices.Contains(secretFlags, strings.TrimPrefix(args[i-1], "--")):
			kept[i] = hostAlone(arg)
		case joined && slices.Contains(secretFlags, strings.TrimPrefix(flag, "--")):
			kept[i] = flag + "=" + hostAlone(value)
		case i > 0 && (args[i-1] == "--note" || args[i-1] == "--set"), joined && (flag == "--note" || flag == "--set"):
			kept[i] = signIns.ReplaceAllString(arg, "://"+hiddenPart+"@") // all else of it is on record anyway
		case joined && strings.HasPrefix(flag, "--"):
			kept[i] = flag + "=" + withoutQuery(value)
		default:
			kept[i] = withoutQuery(arg)
		}
	}
	return kept
}

// signIns are who signs in and the password, in the URLs of a text.
var signIns = regexp.MustCompile(`://[^\s@]*:\S*@`)

const hiddenPart = "********"

// hostAlone returns a URL with its scheme and host only.
func hostAlone(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return hiddenPart
	}
	return u.Scheme + "://" + u.Host + "/" + hiddenPart
}

// withoutQuery is like masked, and also removes the query and the fragment of a URL.
func withoutQuery(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" && (u.RawQuery != "" || u.Fragment != "") {
		text, _, _ = strings.Cut(text, "#")
		text, _, _ = strings.Cut(text, "?")
		text += "?" + hiddenPart
	}
	if strings.Contains(text, "://") {
		return masked(text)
	}
	return text
}
