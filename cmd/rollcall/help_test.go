package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/report"
)

// commands returns the commands that do something.
func commands() []*cobra.Command {
	a := &app{console: report.NewConsole(new(writer))}
	var all []*cobra.Command
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Runnable() && !c.HasSubCommands() && c.Name() != "version" {
			all = append(all, c)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(a.root())
	return all
}

// examples returns the command lines of c's examples.
func examples(c *cobra.Command) []string {
	text := strings.ReplaceAll(c.Example, "\\\n", " ")
	return strings.Split(strings.Trim(text, "\n"), "\n")
}

// Help says what a command does in two lines, shows three examples or more, has
// each flag under a heading, and says what the exit statuses mean.
func TestHelp(t *testing.T) {
	for _, c := range commands() {
		if n := strings.Count(c.Long, "\n") + 1; c.Long == "" || n > 2 {
			t.Errorf("%s is described in %d lines, want one or two", c.CommandPath(), n)
		}
		if n := len(examples(c)); n < 3 {
			t.Errorf("%s has %d examples, want 3", c.CommandPath(), n)
		}
		if c.Annotations[statusAnnotation] == "" {
			t.Errorf("%s does not say what its exit statuses mean", c.CommandPath())
		}
		c.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
			if groupOf(c, flag) == "Flags" && flag.Name != "all" && c.Name() != "serve" {
				t.Errorf("%s: --%s is in no group", c.CommandPath(), flag.Name)
			}
		})
		out, _ := rollcall(t, exitOK, append(strings.Fields(c.CommandPath())[1:], "--help", "all")...)
		for i, line := range strings.Split(out, "\n") {
			if n := len(line); n > 200 {
				t.Errorf("%s --help: line %d has %d characters", c.CommandPath(), i+1, n)
			}
		}
		c.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if !strings.Contains(out, "--"+flag.Name) {
				t.Errorf("%s --help does not show --%s", c.CommandPath(), flag.Name)
			}
		})
	}
}

// Of a command with many flags help shows ten, beside those of every command, and
// says how to see all; defaults are in words, and what an exit status means is said
// of that command.
func TestHelpCommonFlags(t *testing.T) {
	for name, flags := range common {
		out, _ := rollcall(t, exitOK, name, "--help")
		_, section, _ := strings.Cut(out, "\nFlags:\n")
		section, _, _ = strings.Cut(section, "\n\n")
		if n := strings.Count(section, "\n") + 1; n != 10 || len(flags) != 10 {
			t.Errorf("%s --help shows %d flags, want 10:\n%s", name, n, section)
		}
		for _, flag := range flags {
			if !strings.Contains(section, "--"+flag+" ") {
				t.Errorf("%s --help does not show --%s", name, flag)
			}
		}
		if !strings.Contains(out, "rollcall "+name+" --help all shows the other ") {
			t.Errorf("%s --help does not say how to see all flags", name)
		}
		all, _ := rollcall(t, exitOK, name, "-h", "all")
		if again, _ := rollcall(t, exitOK, "help", name, "all"); again != all || !strings.Contains(all, "\nMonitoring:\n") || strings.Contains(all, "shows the other") {
			t.Errorf("help %s all shows\n%s", name, again)
		}
		for _, want := range []string{"(default 30 minutes)", "(default 1 minute)", "(default MyAnalyticsFeatureConfig)", "(default 50%)"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s --help all lacks %s", name, want)
			}
		}
		if strings.Contains(all, "0s)") || strings.Contains(all, `(default "`) {
			t.Errorf("%s --help all has a default that is not in words", name)
		}
	}
	for _, name := range []string{"check", "get", "set", "report", "doctor", "sandbox serve", "config"} {
		out, _ := rollcall(t, exitOK, append(strings.Fields(name), "--help")...)
		_, status, _ := strings.Cut(out, "\nExit status:\n")
		status, _, _ = strings.Cut(status, "\n\n")
		if strings.Contains(status, "--resume") || strings.Contains(status, "audit") || strings.Contains(status, "guard") || !strings.Contains(status, "  2    ") {
			t.Errorf("%s --help says of exit statuses:\n%s", name, status)
		}
	}
}

// One word turns the command line of an apply into that of its audit.
func TestAuditTakesFlagsOfApply(t *testing.T) {
	flags := make(map[string]*pflag.FlagSet)
	for _, c := range commands() {
		flags[c.Name()] = c.Flags()
	}
	flags["apply"].VisitAll(func(flag *pflag.Flag) {
		other := flags["audit"].Lookup(flag.Name)
		if other == nil || other.Shorthand != flag.Shorthand || other.Value.Type() != flag.Value.Type() || other.DefValue != flag.DefValue {
			t.Errorf("audit has no --%s such as apply has", flag.Name)
		}
	})
}

// Each topic is shown, in lines that fit a terminal.
func TestHelpTopics(t *testing.T) {
	for _, name := range topics() {
		out, _ := rollcall(t, exitOK, "help", name)
		for i, line := range strings.Split(out, "\n") {
			if len(line) > 90 {
				t.Errorf("help %s: line %d has %d characters", name, i+1, len(line))
			}
		}
		if out == "" || !slices.Contains(topics(), "tenants") {
			t.Errorf("help %s: %q", name, out)
		}
	}
	rollcall(t, exitUsage, "help", "nothing")
}

// The topics agree about how long signing in is tried again.
func TestHelpSignIn(t *testing.T) {
	for _, topic := range []string{"outages", "setup"} {
		text, _ := rollcall(t, exitOK, "help", topic)
		text = strings.Join(strings.Fields(text), " ")
		if !strings.Contains(text, "for the moment, it is tried again up to five times") || strings.Contains(text, "is not tried again") {
			t.Errorf("help %s does not say that signing in is tried again up to five times", topic)
		}
	}
}

// The examples of help work as they are written. Those that need a tenant which
// is not built in, or a screen, are parsed only.
func TestHelpExamples(t *testing.T) {
	users := "UserPrincipalName,Mode,UsageLocation\nada@contoso.com,opt-out,FR\nbob@contoso.com,opt-out,US\n"
	for _, c := range commands() {
		for _, example := range examples(c) {
			words := strings.Fields(strings.TrimSpace(example))
			stdin := "users.csv"
			if n := len(words); words[n-2] == "<" {
				words, stdin = words[:n-2], words[n-1]
			}
			for i, w := range words {
				if w == "|" || w == "||" || w == "&&" {
					words = words[:i]
					break
				}
			}
			t.Run(strings.Join(words, " "), func(t *testing.T) {
				if words[0] != "rollcall" {
					t.Fatalf("not a command line of ours: %s", example)
				}
				found, rest, err := c.Root().Find(words[1:])
				if err != nil || found != c {
					t.Fatalf("%s: an example of %s: %v", example, c.CommandPath(), err)
				}
				for _, needs := range []string{"exchange", "powershell", "serve", "--profile", "--tenant sandbox:", "--open"} {
					if strings.Contains(example, needs) {
						if err := found.ParseFlags(rest); err != nil {
							t.Errorf("%s: %v", example, err)
						}
						return
					}
				}
				dir := t.TempDir()
				t.Chdir(dir)
				write := func(name, text string) {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				write("users.csv", users)
				write("fleet.yaml", "name: n\nrun: apply\nflags: {privacy-mode: opt-out}\ntenants: [{name: a, roster: users.csv}, {name: b, roster: users.csv}]\n")
				if !strings.Contains(example, "-o diff.csv") {
					rollcall(t, exitDiffers, "audit", "users.csv", "--privacy-mode", "opt-out", "-o", "diff.csv")
				}
				if !strings.Contains(example, "-o results.csv") {
					rollcall(t, exitOK, "apply", "users.csv", "--privacy-mode", "opt-out", "--read-first", "-o", "results.csv")
				}
				var out, errs writer
				in, err := os.Open(stdin)
				if err != nil {
					t.Fatal(err)
				}
				defer in.Close()
				switch status := run(words[1:], in, &out, &errs); {
				case status == exitOK, status == exitDiffers && strings.Contains(example, "audit"), status == exitDiffers && c.Name() == "undo":
				case status == exitRows && c.Name() == "undo": // each run has a sandbox of its own
				default:
					t.Errorf("%s: exit status %d\n%s%s", example, status, out, errs)
				}
			})
		}
	}
}
