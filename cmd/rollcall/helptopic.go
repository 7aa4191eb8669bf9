package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

// showHelp prints the help of c. What keeps it from being printed is kept for the
// exit status, which cobra gives no way to tell.
func (a *app) showHelp(c *cobra.Command, all bool) {
	var b bytes.Buffer
	help(c, &b, all)
	_, a.unprinted = b.WriteTo(a.out)
}

// helpWith prints what help is asked for: of a command, or on a topic.
func (a *app) helpWith(root *cobra.Command, args []string) error {
	if len(args) > 0 && slices.Contains(topics(), args[0]) {
		if len(args) > 1 {
			return usage(fmt.Errorf("help %s: it is a topic: want nothing behind it, and not %q", args[0], args[1]))
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
		return usage(fmt.Errorf("help %s: want nothing behind it but all, and not %q", c.Name(), rest[0]))
	}
	a.showHelp(c, all)
	return nil
}
