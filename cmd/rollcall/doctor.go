package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
	"rollcall/tenant/connect"
	"rollcall/tenant/entra"
)

func (a *app) doctor() *cobra.Command {
	var f userFlags
	c := &cobra.Command{
		Use:   "doctor [UPN]",
		Short: "Find out whether the tenant can be reached, and what may be done there",
		Long: `doctor looks, step by step, at all that a run on the chosen tenant and noun needs, and
says what to do where something is missing. It changes nothing.`,
		Example: `  rollcall doctor
  rollcall doctor ada@contoso.com --profile contoso
  rollcall doctor ada@contoso.com --tenant exchange --organization contoso.onmicrosoft.com --auth device-code`,
		Annotations: more(`With a UPN it also reads that user's setting, which is the best proof there is. The
token is never shown, only what it says: for whom, with which roles, for how long.`,
			meaning{exitOK, "a run would work, as far as can be told"}, meaning{exitError, "a run would not work"}, meansWrong,
			meaning{exitInterrupted, "interrupted"}, meaning{exitTerminated, "terminated"}),
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return f.doctor(a, args) },
	}
	grouped(c.Flags(), "The setting", f.change.addNoun)
	f.tenant.add(c.Flags())
	grouped(c.Flags(), "Messages", f.console.add)
	return c
}

func (f *userFlags) doctor(a *app, upns []string) error {
	change, err := f.change.change()
	if err != nil {
		return err
	}
	for i, upn := range upns {
		if upns[i], err = roster.ParseUPN(upn); err != nil {
			return usage(fmt.Errorf("user %q: %w", upn, err))
		}
	}
	run, conn, err := f.start(a, change)
	if err != nil {
		return err
	}
	defer conn.Close()
	interrupts := watch(a.console, stopTimeout)
	defer interrupts.end()
	ctx, cancel := interrupts.first()
	defer cancel()
	interrupts.says(func() string { return "stopping" })

	steps := conn.Steps
	for _, upn := range upns {
		steps = append(steps, userStep(run, upn))
	}
	well := examine(ctx, a.out, steps)
	switch {
	case interrupts.status() != 0:
		return &exit{status: interrupts.status(), err: errInterrupted}
	case !well:
		return &exit{status: exitError, err: errors.New("a run would not work")}
	case len(upns) == 0:
		_, err = fmt.Fprintln(a.out, "-     user       none named: name one, by UPN, to have the setting read")
	}
	return err
}

// userStep reads one user's setting.
func userStep(run *pipeline.Run, upn string) connect.Step {
	run.Tenant = tenant.ReadOnly(run.Tenant)
	return connect.Step{
		Name: "user",
		Look: func(ctx context.Context) (string, error) {
			object, err := run.Read(ctx, upn)
			if err != nil {
				return "", err
			}
			var values []string
			for _, p := range run.Change.Setting.Known() {
				if v, err := run.Change.Setting.Read(object, p); err == nil {
					values = append(values, p+" "+tenant.Text(v))
				}
			}
			if values == nil {
				return fmt.Sprintf("%s was read: %d properties", upn, len(object)), nil
			}
			return upn + ": " + strings.Join(values, ", "), nil
		},
		Mend: "check the UPN, and that the caller's role reaches this user",
	}
}

// mend says what to do about err, which a step ended in: what the error itself says,
// if it does.
func mend(s connect.Step, err error) string {
	e, ok := errors.AsType[*tenant.Error](err)
	switch hint := cmp.Or(signInHint(err), entra.Hint(err.Error())); {
	case hint != "":
		return hint
	case ok && e.Transient():
		return "try again later; if it stays, check the network, and HTTPS_PROXY if there is a proxy"
	case ok && e.Class == tenant.Unauthorized && s.Name != "sign-in":
		return "the service does not accept this token: check --auth, --cloud and --organization"
	case s.Settings != nil:
		return s.Mend + " (--" + strings.Join(s.Settings, ", --") + ")"
	}
	return s.Mend
}

// examine takes one step after another until one fails, and says what it found
// of each. It reports whether all is well; a [connect.Caution] is no failure.
func examine(ctx context.Context, w io.Writer, steps []connect.Step) bool {
	for i, s := range steps {
		found, err := s.Look(ctx)
		if err == nil {
			fmt.Fprintf(w, "ok    %-10s %s\n", s.Name, found)
			continue
		}
		if _, ok := errors.AsType[*connect.Caution](err); ok {
			fmt.Fprintf(w, "warn  %-10s %v\n                 %s\n", s.Name, err, s.Mend)
			continue
		}
		if ctx.Err() != nil {
			fmt.Fprintf(w, "-     %-10s interrupted\n", s.Name)
			return false
		}
		fmt.Fprintf(w, "FAIL  %-10s %v\n", s.Name, err)
		if text := mend(s, err); text != "" {
			fmt.Fprintf(w, "                 %s\n", text)
		}
		for _, s := range steps[i+1:] {
			fmt.Fprintf(w, "-     %-10s not looked at\n", s.Name)
		}
		return false
	}
	return true
}
