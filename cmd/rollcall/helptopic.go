package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/pipeline/roster"
)

// showHelp prints the help of c. It keeps an error in a.unprinted, for cobra's help
// function can't return one.
func (a *app) showHelp(c *cobra.Command, all bool) {
	var b bytes.Buffer
	help(c, &b, all)
	_, a.unprinted = b.WriteTo(a.out)
}

// helpWith prints the help that args name: of a command, or on a topic.
func (a *app) helpWith(root *cobra.Command, args []string) error {
	for i := range args {
		args[i] = strings.ToLower(args[i])
	}
	if len(args) == 1 && args[0] == "topics" {
		_, err := fmt.Fprintf(a.out, "%s help TOPIC tells of: %s.\n", root.Name(), strings.Join(topics(), ", "))
		return err
	}
	switch {
	case len(args) == 0 || !slices.Contains(topics(), args[0]):
	case len(args) == 1:
		_, err := showTopic(args[0], a.out)
		return err
	case !slices.Contains(commandNames(root), args[0]):
		return usage(fmt.Errorf("help %s: this is a topic: want nothing after it, not %q", args[0], args[1]))
	} // of a command that is a topic as well, more words mean the command
	all := len(args) > 0 && args[len(args)-1] == "all"
	if all {
		args = args[:len(args)-1]
	}
	c, rest, err := root.Find(args)
	switch {
	case err != nil, len(rest) > 0 && c == root:
		return noHelp(root, args[0])
	case len(rest) > 0:
		return usage(fmt.Errorf("help %s: want nothing or all after it, not %q", c.Name(), rest[0]))
	}
	a.showHelp(c, all)
	return nil
}

// noHelp returns the error that there is no help on what was named, with what is most
// like it.
func noHelp(root *cobra.Command, name string) error {
	names := append(commandNames(root), topics()...)
	e := &exit{status: exitUsage, err: fmt.Errorf("help %s: there is no such command or topic", name),
		hint: "rollcall --help lists the commands; topics: " + strings.Join(topics(), ", ")}
	if meant := roster.Nearest(name, names); meant != "" {
		e.hint = "did you mean " + meant + "? " + e.hint
	}
	return e
}
