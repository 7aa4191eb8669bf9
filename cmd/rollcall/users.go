package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/pace"
	"rollcall/pipeline/roster"
	"rollcall/report"
	"rollcall/tenant/connect"
)

// userFlags are the flags of the commands that take users on the command line.
type userFlags struct {
	change  changeFlags
	tenant  tenantFlags
	console consoleFlags
	form    formFlags
}

func (f *userFlags) add(fs *pflag.FlagSet) {
	f.tenant.add(fs)
	grouped(fs, "Output", func(fs *pflag.FlagSet) { f.form.add(fs, "users", "text on a terminal, otherwise csv") })
	grouped(fs, "Messages", f.console.add)
}

// start connects to the tenant and returns a run for a few users, which needs no flags
// for its pace.
func (f *userFlags) start(a *app, change *pipeline.Change) (*pipeline.Run, *connect.Tenant, error) {
	if err := f.form.check(); err != nil {
		return nil, nil, err
	}
	noColumn := func(name string) (int, error) {
		return 0, usage(fmt.Errorf("there is no column %q: this command has no roster", name))
	}
	if err := change.Bind(noColumn); err != nil {
		return nil, nil, err
	}
	log, err := f.console.start(a)
	if err != nil {
		return nil, nil, err
	}
	const workers = 4
	conn, err := f.tenant.connect(a, change.Setting.Noun, workers, log)
	if err != nil {
		return nil, nil, err
	}
	a.greet(conn, f.tenant.tenant == "sandbox" && a.profile.origins["tenant"] == "")
	return &pipeline.Run{
		Tenant:        conn,
		Change:        change,
		Limiter:       pace.New(0),
		Workers:       workers,
		Retries:       5,
		RowTimeout:    30 * time.Minute,
		VerifyTimeout: verifyTimeout,
		Log:           log,
	}, conn, nil
}

// table returns the table of the results. In the form jsonl it writes each record at
// once.
func (f *userFlags) table(a *app) *report.Table {
	t := new(report.Table)
	if f.form.format == "jsonl" {
		t.Lines = a.out
	}
	return t
}

// print prints a table in the form of --format or, without it, as text on a terminal and
// as CSV elsewhere.
func (f *userFlags) print(a *app, t *report.Table) error {
	switch form := f.form.format; {
	case form == "jsonl":
		return t.Err()
	case form == "json":
		return t.JSON(a.out)
	case len(t.Records) == 0:
		return nil
	case form == "markdown":
		return t.Markdown(a.out)
	case form == "text", form == "" && isTerminal(a.out):
		width := 0
		if isTerminal(a.out) {
			width = columns(a.out)()
		}
		return t.Text(a.out, width)
	}
	return t.CSV(a.out)
}

// someUsers is the rule for commands that take users: at least one, and each once.
func someUsers(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("no user: name at least one, by UPN")
	}
	seen := make(map[string]bool)
	for _, arg := range args {
		upn, err := roster.ParseUPN(arg)
		if err != nil {
			return fmt.Errorf("user %q: %w", arg, err)
		}
		key := strings.ToLower(upn)
		if seen[key] {
			return fmt.Errorf("user %q is named twice", arg)
		}
		seen[key] = true
	}
	return nil
}

// userRows are the rows of users named on the command line, numbered from 1.
type userRows struct {
	upns []string
	read int
}

func (u *userRows) Read(row *roster.Row) error {
	if u.read == len(u.upns) {
		return io.EOF
	}
	upn, err := roster.ParseUPN(u.upns[u.read])
	if err != nil {
		return err
	}
	*row = roster.Row{Line: u.read + 1, UPN: upn}
	u.read++
	return nil
}
