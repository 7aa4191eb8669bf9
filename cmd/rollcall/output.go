package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"rollcall/tenant/sandbox"
)

// outputFlags choose where the results go.
type outputFlags struct {
	name             string
	overwrite, excel bool
	resume           bool
	html             htmlFlags

	formatFlags
}

func (f *outputFlags) add(fs *pflag.FlagSet) {
	fs.StringVarP(&f.name, "output", "o", "", "write the results CSV to this `FILE`; - for standard output (default of apply and undo on a real tenant: apply-DATE-TIME.csv or undo-DATE-TIME.csv in this directory, in UTC)")
	fs.BoolVar(&f.overwrite, "overwrite", false, "replace a results file that exists")
	fs.BoolVar(&f.resume, "resume", false, "go on with the results file of a run that was stopped or killed")
	fs.BoolVar(&f.excel, "excel", false, "write the results CSV for Excel: with a byte order mark and CRLF")
	f.html.add(fs)
	f.formatFlags.add(fs)
}

// check returns an error if the results file is the roster or the file of the tenant, or
// if flags contradict each other.
func (f *outputFlags) check(a *app, roster, tenant string) error {
	switch {
	case f.resume && f.overwrite:
		return usage(errors.New("--resume goes on with the results file, --overwrite replaces it: want one of them"))
	case slices.Contains([]string{".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}, strings.ToLower(filepath.Ext(f.name))):
		return &exit{status: exitUsage, err: fmt.Errorf("-o %s: results are CSV, and no workbook", f.name),
			hint: "-o " + quoteArg(strings.TrimSuffix(f.name, filepath.Ext(f.name))+".csv") + " --excel writes a CSV as Excel likes it"}
	}
	var out os.FileInfo
	var err error
	if stdout, ok := a.out.(*os.File); ok && (f.name == "" || f.name == "-") {
		out, err = stdout.Stat()
	} else {
		out, err = os.Stat(f.name)
	}
	if err != nil || !out.Mode().IsRegular() {
		return nil
	}
	if tenant != "" {
		if in, err := os.Stat(tenant); err == nil && os.SameFile(in, out) {
			return usage(fmt.Errorf("-o %s: the results would replace the file of the tenant", f.name))
		}
		if real, err := filepath.EvalSymlinks(tenant); err == nil {
			tenant = real
		}
		if log, err := os.Stat(sandbox.LogName(tenant)); err == nil && os.SameFile(log, out) {
			return usage(fmt.Errorf("-o %s: the results would replace the file with the changes of the tenant", f.name))
		}
	}
	var in os.FileInfo
	if stdin, ok := a.in.(*os.File); ok && roster == "-" {
		in, err = stdin.Stat()
	} else {
		in, err = os.Stat(roster)
	}
	if err == nil && os.SameFile(in, out) {
		return usage(fmt.Errorf("-o %s: the results would replace the roster %s", f.name, roster))
	}
	return nil
}

// file returns the name of the results file, or "" if there is none.
func (f *outputFlags) file() string {
	if f.name == "-" {
		return ""
	}
	return f.name
}
