package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
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
	if len(args) > 0 && slices.Contains(topics(), args[0]) {
		if len(args) > 1 {
			return usage(fmt.Errorf("help %s: this is a topic: want nothing after it, not %q", args[0], args[1]))
		}
		_, err := showTopic(args[0], a.out)
		return err
	}
	all := len(args) > 0 && args[len(args)-1] == "all"
	if all {
		args = args[:len(args)-1]
	}
	c, rest, err := root.Find(args)
	switch {
	case err != nil, len(rest) > 0 && c == root:
		return noCommand(root, args)
	case len(rest) > 0:
		return usage(fmt.Errorf("help %s: want nothing or all after it, not %q", c.Name(), rest[0]))
	}
	a.showHelp(c, all)
	return nil
}
