package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
	"rollcall/tenant/entra"
)

// A step is one thing that has to hold for a run to work.
type step struct {
	name string
	look func(context.Context) (found string, err error)
	mend string // what to do if it does not
}

// A caution is what may keep a run from working, and may not.
type caution struct{ error }

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
token is never shown, only what it says: for whom, with which roles, for how long.`, exitOK, exitError, exitUsage),
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return f.doctor(a, args) },
	}
	grouped(c.Flags(), "The setting", f.change.addNoun)
	f.tenant.add(c.Flags())
	grouped(c.Flags(), "Messages", f.talk.add)
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
	defer conn.close()
	interrupts := watch(a.console, stopTimeout)
	defer interrupts.end()
	ctx, cancel := interrupts.first()
	defer cancel()
	interrupts.says(func() string { return "stopping" })

	steps := conn.steps
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
func userStep(run *pipeline.Run, upn string) step {
	run.Tenant = tenant.ReadOnly(run.Tenant)
	return step{
		name: "user",
		look: func(ctx context.Context) (string, error) {
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
		mend: "check the UPN, and that the caller's role reaches this user",
	}
}

// mends says what to do about err: what the error itself says, if it does.
func (s *step) mends(err error) string {
	e, ok := errors.AsType[*tenant.Error](err)
	switch {
	case hint(err) != "":
		return hint(err)
	case entra.Hint(message(err)) != "":
		return entra.Hint(message(err))
	case ok && e.Transient():
		return "try again later; if it stays, check the network, and HTTPS_PROXY if there is a proxy"
	case ok && e.Class == tenant.Unauthorized && s.name != "sign-in":
		return "the service does not accept this token: check --auth, --cloud and --organization"
	}
	return s.mend
}

// examine takes one step after another until one fails, and says what it found
// of each. It reports whether all is well; a [caution] is no failure.
func examine(ctx context.Context, w io.Writer, steps []step) bool {
	for i, s := range steps {
		found, err := s.look(ctx)
		if err == nil {
			fmt.Fprintf(w, "ok    %-10s %s\n", s.name, found)
			continue
		}
		if _, ok := errors.AsType[*caution](err); ok {
			fmt.Fprintf(w, "warn  %-10s %v\n                 %s\n", s.name, err, s.mend)
			continue
		}
		if ctx.Err() != nil {
			fmt.Fprintf(w, "-     %-10s interrupted\n", s.name)
			return false
		}
		fmt.Fprintf(w, "FAIL  %-10s %v\n", s.name, err)
		if mend := s.mends(err); mend != "" {
			fmt.Fprintf(w, "                 %s\n", mend)
		}
		for _, s := range steps[i+1:] {
			fmt.Fprintf(w, "-     %-10s not looked at\n", s.name)
		}
		return false
	}
	return true
}
