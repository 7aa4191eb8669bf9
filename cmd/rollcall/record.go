package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// recordFlags say what the record of a run has beside what the run was.
type recordFlags struct{ note string }

func (f *recordFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.note, "note", "", "keep this `TEXT`, such as the number of the change, in the summary and the reports")
}

// Bounds of what is kept, so that a summary stays one that can be read.
const (
	maxNote        = 500  // characters
	maxCommandLine = 4000 // characters
)

// check refuses a note that would not be shown as it is written.
func (f *recordFlags) check() error {
	switch {
	case utf8.RuneCountInString(f.note) > maxNote:
		return usage(fmt.Errorf("--note: it has %d characters: want %d at most", utf8.RuneCountInString(f.note), maxNote))
	case !utf8.ValidString(f.note) || strings.ContainsFunc(f.note, unicode.IsControl):
		return usage(errors.New("--note: want one line of text"))
	}
	return nil
}

// recordedCommand returns the command line as it may be kept and shown.
func (a *app) recordedCommand() string {
	line := []rune(strings.ToValidUTF8(commandLine(withoutSecrets(a.args)), "\ufffd"))
	if len(line) > maxCommandLine {
		return string(line[:maxCommandLine]) + "…"
	}
	return string(line)
}

// withoutSecrets returns arguments without what nobody else may know: of a flag whose
// value is a secret there stays only the host, of any other URL neither who signs in
// nor the query.
func withoutSecrets(args []string) []string {
	kept := slices.Clone(args)
	for i, arg := range args {
		flag, value, joined := strings.Cut(arg, "=")
		switch {
		case i > 0 && slices.Contains(secretFlags, strings.TrimPrefix(args[i-1], "--")):
			kept[i] = hostAlone(arg)
		case joined && slices.Contains(secretFlags, strings.TrimPrefix(flag, "--")):
			kept[i] = flag + "=" + hostAlone(value)
		case joined && strings.HasPrefix(flag, "--"):
			kept[i] = flag + "=" + withoutQuery(value)
		default:
			kept[i] = withoutQuery(arg)
		}
	}
	return kept
}

const hiddenPart = "********"

// hostAlone returns a URL with nothing of it but the host.
func hostAlone(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return hiddenPart
	}
	return u.Scheme + "://" + u.Host + "/" + hiddenPart
}

// withoutQuery is masked, of a URL without its query and fragment as well.
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
