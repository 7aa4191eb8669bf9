package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
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
		Short: "Check that the tenant can be reached, and which permissions there are",
		Long: `doctor checks, step by step, everything that a run on the chosen tenant and noun needs.
If something is missing, it says what to do. It changes nothing.`,
		Example: `  rollcall doctor
  rollcall doctor ada@contoso.com --profile contoso
  rollcall doctor ada@contoso.com --tenant exchange --organization contoso.onmicrosoft.com --auth device-code`,
		Annotations: more(`With a UPN it also reads that user's setting. This is the best proof: if the user can be
read, a missing role found in an earlier step is only a warning. The token is never
shown, only what is in it: the account, its roles and when it expires.`,
			meaning{exitOK, "no check failed: a run is expected to work"}, meaning{exitError, "tenant check failed"}, meansWrong,
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

	steps := slices.Clone(conn.Steps)
	for _, upn := range upns {
		steps = append(steps, userStep(run, upn, permission(steps)))
	}
	out := &firstError{w: a.out}
	if conn.Real {
		for _, n := range tenant.Notices(change.Setting.Noun) {
			fmt.Fprintf(out, "note  %s\n", n)
		}
	}
	passed := runSteps(ctx, out, steps)
	switch {
	case interrupts.status() != 0:
		return &exit{status: interrupts.status(), err: errInterrupted}
	case !passed:
		return &exit{status: exitError, err: errors.New("tenant check failed")}
	case len(upns) == 0 && conn.Real && !slices.ContainsFunc(steps, func(s connect.Step) bool { return s.Name == "cmdlets" }):
		fmt.Fprintln(out, "warn  user       not checked: the token was not tried on the service\n                 give a UPN: rollcall doctor UPN, with the same flags")
	case len(upns) == 0:
		fmt.Fprintln(out, "-     user       not checked: give a UPN to read the setting of this user")
	}
	return out.err
}

// firstError is a writer that keeps the first error, so that not every write needs a
// check.
type firstError struct {
	w   io.Writer
	err error
}

func (f *firstError) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if f.err == nil {
		f.err = err
	}
	return n, err
}

// permission returns the text of steps on the permission that the caller needs, or "".
func permission(steps []connect.Step) string {
	for _, s := range steps {
		if s.Permission != "" {
			return s.Permission
		}
	}
	return ""
}

// userStep returns the step that reads one user's setting.
func userStep(run *pipeline.Run, upn, permission string) connect.Step {
	run.Tenant = tenant.ReadOnly(run.Tenant)
	return connect.Step{
		Name:       "user",
		Permission: permission,
		Check: func(ctx context.Context) (string, error) {
			object, err := run.Read(ctx, upn)
			if err != nil {
				return "", err
			}
			var values []string
			for _, p := range run.Change.Setting.PropertyNames() {
				if v, err := run.Change.Setting.Read(object, p); err == nil {
					values = append(values, p+" "+tenant.Text(v))
				}
			}
			if values == nil {
				return fmt.Sprintf("%s was read: %s", upn, pipeline.Plural(len(object), "property")), nil
			}
			return upn + ": " + strings.Join(values, ", "), nil
		},
		Fix: "check the UPN",
	}
}

// fixFor returns what to do about err, the error of a step: the advice in the error
// itself if it has one, else that of the step. It names the permission that the caller
// needs only if the caller was refused.
func fixFor(s connect.Step, err error) string {
	e, ok := errors.AsType[*tenant.Error](err)
	advised, _ := errors.AsType[*connect.Advised](err)
	switch hint := cmp.Or(signInHint(err), entra.Hint(err.Error())); {
	case hint != "":
		return hint
	case advised != nil:
		return withFlags(advised.Fix, advised.Settings)
	case ok && s.Name != "sign-in" && isRefused(e):
		text := s.Permission
		switch {
		case e.Common == "":
		case strings.Contains(err.Error(), e.Common):
			text = ""
		default:
			text = e.Common
		}
		if e.Status != http.StatusForbidden && e.Class != tenant.Denied {
			text = "the service does not accept this token: check --auth, --cloud and --organization, or use a new token"
			if s.Permission != "" && e.Status == http.StatusUnauthorized {
				text += "; if the token is right, " + s.Permission
			}
		}
		return text
	case ok && e.Transient():
		return "try again later; if it fails again, check the network, and HTTPS_PROXY if there is a proxy"
	}
	return withFlags(s.Fix, s.Settings)
}

// withFlags returns text followed by the flags of settings in brackets.
func withFlags(text string, settings []string) string {
	if settings == nil {
		return text
	}
	return text + " (--" + strings.Join(settings, ", --") + ")"
}

// isRefused reports whether the tenant refused the caller: with HTTP 401 or 403, or
// with an error of such a class.
func isRefused(e *tenant.Error) bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Class == tenant.Unauthorized || e.Class == tenant.Denied
}

// runSteps runs the checks one after another until one fails, and writes the result of
// each to w. It reports whether none failed. A [connect.Caution] is no failure, nor is
// a step that the last one, which reads a user, overrules.
func runSteps(ctx context.Context, w io.Writer, steps []connect.Step) bool {
	reads := len(steps) > 0 && steps[len(steps)-1].Name == "user"
	for i, s := range steps {
		found, err := s.Check(ctx)
		if err == nil {
			fmt.Fprintf(w, "ok    %-10s %s\n", s.Name, found)
			continue
		}
		if ctx.Err() != nil {
			fmt.Fprintf(w, "-     %-10s interrupted\n", s.Name)
			return false
		}
		_, caution := errors.AsType[*connect.Caution](err)
		overruled := caution || s.Overruled && reads
		word := "FAIL"
		if overruled {
			word = "warn"
		}
		fmt.Fprintf(w, "%s  %-10s %v\n", word, s.Name, err)
		e, ok := errors.AsType[*tenant.Error](err)
		again := overruled && ok && isRefused(e) // the step user gives the same advice
		if text := fixFor(s, err); text != "" && !again {
			fmt.Fprintf(w, "                 %s\n", text)
		}
		if overruled {
			continue
		}
		for _, s := range steps[i+1:] {
			fmt.Fprintf(w, "-     %-10s not checked\n", s.Name)
		}
		return false
	}
	return true
}
