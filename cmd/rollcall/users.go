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

// userFlags are those of commands about users who are named on the command line.
type userFlags struct {
	change  changeFlags
	tenant  tenantFlags
	console consoleFlags
	form    formFlags
}

func (f *userFlags) add(fs *pflag.FlagSet) {
	f.tenant.add(fs)
	grouped(fs, "Output", func(fs *pflag.FlagSet) { f.form.add(fs, "users", "text on a terminal, else csv") })
	grouped(fs, "Messages", f.console.add)
}

// start makes what is needed to run cmdlets, at a pace that needs no flags: for
// a few users.
func (f *userFlags) start(a *app, change *pipeline.Change) (*pipeline.Run, *connect.Tenant, error) {
	if err := f.form.check(); err != nil {
		return nil, nil, err
	}
	noColumn := func(name string) (int, error) {
		return 0, usage(fmt.Errorf("there is no column %q, for there is no roster", name))
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

// table returns the table that is printed: as JSON lines, record by record.
func (f *userFlags) table(a *app) *report.Table {
	t := new(report.Table)
	if f.form.format == "jsonl" {
		t.Lines = a.out
	}
	return t
}

// print prints a table in the form that was asked for or that, if none was, suits
// standard output.
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
		return t.Text(a.out)
	}
	return t.CSV(a.out)
}

// someUsers is the rule for commands about users who are named, each once.
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

// userRows are rows made of users who were named, numbered from 1.
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
