//go:build docs

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// generators returns the command that writes the manual pages and completions.
// Only make docs and make dist build it, so that the program does not contain the
// packages that it needs.
func generators() []*cobra.Command {
	return []*cobra.Command{{
		Use:    "docs DIR",
		Short:  "Write manual pages and shell completions",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE:   func(c *cobra.Command, args []string) error { return writeDocs(c.Root(), args[0]) },
	}}
}

func writeDocs(root *cobra.Command, dir string) error {
	man, completions := filepath.Join(dir, "man1"), filepath.Join(dir, "completions")
	for _, d := range []string{man, completions} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	addNotes(root)
	if err := doc.GenManTree(root, &doc.GenManHeader{Title: "ROLLCALL", Section: "1", Source: "rollcall"}, man); err != nil {
		return err
	}
	for _, name := range topics() {
		if err := writeTopic(name, filepath.Join(man, "rollcall-help-"+name+".1")); err != nil {
			return err
		}
	}
	ps, err := os.Create(filepath.Join(completions, "rollcall.ps1"))
	if err != nil {
		return err
	}
	for _, err := range []error{
		root.GenBashCompletionFileV2(filepath.Join(completions, "rollcall.bash"), true),
		root.GenZshCompletionFile(filepath.Join(completions, "_rollcall")),
		root.GenFishCompletionFile(filepath.Join(completions, "rollcall.fish"), true),
		powershellCompletion(root, ps, true),
		ps.Close(),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// writeTopic writes a help topic as a manual page. The first paragraph of the topic
// becomes the one-line description of the page.
func writeTopic(name, file string) error {
	var b strings.Builder
	if _, err := showTopic(name, &b); err != nil {
		return err
	}
	about, text, _ := strings.Cut(b.String(), "\n\n")
	about = strings.ReplaceAll(strings.TrimSuffix(about, "."), "\n", " ")
	page := fmt.Sprintf("%% \"ROLLCALL-HELP-%s\" \"1\" \"\" \"rollcall\" \"\"\n\n# NAME\nrollcall-help-%s - %s\n\n# DESCRIPTION\n%s",
		strings.ToUpper(name), name, about, text)
	return os.WriteFile(file, md2man.Render([]byte(page)), 0o644)
}

// addNotes appends to the long descriptions of c and its commands the notes and exit
// statuses that help prints separately.
func addNotes(c *cobra.Command) {
	c.DisableAutoGenTag = true
	if notes := c.Annotations[notesAnnotation]; notes != "" {
		c.Long += "\n\n" + notes
	}
	if lines := c.Annotations[statusAnnotation]; lines != "" {
		c.Long += "\n\nExit status:\n\n" + lines
	}
	for _, sub := range c.Commands() {
		addNotes(sub)
	}
}
