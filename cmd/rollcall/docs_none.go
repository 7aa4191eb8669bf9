//go:build !docs

package main

import "github.com/spf13/cobra"

// generators returns no commands: see the build with the tag docs.
func generators() []*cobra.Command { return nil }
