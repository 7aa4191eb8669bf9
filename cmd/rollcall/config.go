package main

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// secretVariables are the environment variables that hold secrets. They are never
// shown.
var secretVariables = []string{tokenVariable, fleetTokenVariable, secretVariable, passwordVariable}

// secretFlags are the flags whose values are not shown either.
var secretFlags = []string{"ping", "webhook"}

// signInVariables are those of Entra ID that may be shown.
var signInVariables = []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE",
	"AZURE_AUTHORITY_HOST", "AZURE_TOKEN_CREDENTIALS", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"}

// config returns the command that shows the values of all other commands' flags.
func (a *app) config(root *cobra.Command) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "config",
		Short: "Show the value of each flag, and where it comes from",
		Long: `config shows the values of flags, and where each value comes from. It accepts the
flags of every command. Secrets are masked.`,
		Example: `  rollcall config --all
  rollcall config --tenant exchange --rate 20
  rollcall config --config rollcall.yaml --profile contoso`,
		Annotations: more(`A flag on the command line takes precedence over a ROLLCALL_ variable
(ROLLCALL_MAX_ERRORS for --max-errors), that over the profile that --profile names, and
that over the default.

Profiles are kept in rollcall/rollcall.yaml in the user's configuration directory,
or in the file that --config names. A key is the long name of any flag:

  profiles:
    contoso:
      tenant: exchange
      organization: 11111111-2222-3333-4444-555555555555
      auth: certificate
      certificate: /etc/rollcall/contoso.pem
      rate: 20
      max-errors: 1%`, meaning{exitOK, "the values were shown"}, meansWrong),
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.showConfig(c, all) },
	}
	var add func(*cobra.Command)
	add = func(from *cobra.Command) {
		from.Flags().VisitAll(func(flag *pflag.Flag) {
			if flag.Name != "version" && c.Flags().Lookup(flag.Name) == nil {
				c.Flags().AddFlag(flag)
			}
		})
		for _, sub := range from.Commands() {
			if !standsApart(sub) {
				add(sub)
			}
		}
	}
	add(root)
	c.Flags().BoolVar(&all, "all", false, "also show flags that have their default value")
	return c
}

// showConfig prints a line for each flag of c whose value is not the default, or for
// every flag if all.
func (a *app) showConfig(c *cobra.Command, all bool) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	c.LocalNonPersistentFlags().VisitAll(func(flag *pflag.Flag) {
		origin := a.profile.origins[flag.Name]
		switch {
		case flag.Name == "help", flag.Name == "all", origin == "" && !all:
			return
		case origin == "":
			origin = "default"
		}
		value := flag.Value.String()
		if s, ok := flag.Value.(pflag.SliceValue); ok {
			value = strings.Join(s.GetSlice(), ", ")
		}
		if slices.Contains(secretFlags, flag.Name) && value != "" {
			value = "********"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", flag.Name, masked(value), origin)
	})
	for _, name := range signInVariables {
		if value := os.Getenv(name); value != "" {
			fmt.Fprintf(w, "%s\t%s\tenvironment\n", name, masked(value))
		}
	}
	for _, name := range secretVariables {
		if os.Getenv(name) != "" {
			fmt.Fprintf(w, "%s\t********\tenvironment\n", name)
		}
	}
	return w.Flush()
}

// masked returns value without the user and the password of a URL.
func masked(value string) string {
	if !strings.Contains(value, "@") || !strings.Contains(value, ":") {
		return value
	}
	u, err := url.Parse(value)
	switch {
	case err != nil:
		return "********"
	case u.User != nil:
		u.User = url.User("********")
		return strings.ReplaceAll(u.String(), "%2A", "*")
	case u.Opaque != "": // no scheme: user:password@host
		return "********"
	}
	return value
}
