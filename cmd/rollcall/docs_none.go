//go:build !docs

package main

import "github.com/spf13/cobra"

// generators returns no commands. The build with the tag docs has them.
func generators() []*cobra.Command { return nil }
