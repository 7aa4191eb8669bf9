package powershell

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"rollcall/tenant"
)

// minModule is the oldest module that will do: the first that takes an access
// token. REST connections came with 3.0.0.
const minModule = "3.1.0"

const moduleName = "ExchangeOnlineManagement"

// A SetupError is something that a person has to put right: until then every
// cmdlet fails.
type SetupError struct {
	Err  error
	Hint string // a command that mends it, or what to look at; may be ""
}

func (e *SetupError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SetupError) Unwrap() error { return e.Err }

func setupError(hint, format string, args ...any) *SetupError {
	return &SetupError{fmt.Errorf(format, args...), hint}
}

// noCredential returns the error of a token that could not be had: one that may
// pass as it is, and else a [*SetupError].
func noCredential(err error) error {
	if e, ok := errors.AsType[*tenant.Error](err); ok && e.Transient() || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &SetupError{Err: err}
}

// bootError returns the error of a process that did not begin because of err.
func bootError(err error) error {
	// PowerShell under a policy that lets scripts call nothing of .NET. The last
	// lines that Windows PowerShell writes are not the message but its ID, which
	// is the same in every language.
	if text := err.Error(); strings.Contains(text, "language mode") || strings.Contains(text, "ConstrainedLanguage") {
		return setupError("allow the account that runs rollcall full language mode", "start PowerShell: %w", err)
	}
	return fmt.Errorf("start PowerShell: %w", err)
}

// find returns the path of the PowerShell to run.
func find(program string) (string, error) {
	names := []string{program}
	if program == "" {
		names = []string{"pwsh"}
		if runtime.GOOS == "windows" {
			names = append(names, "powershell.exe")
		}
	}
	var err error
	for _, name := range names {
		var path string
		if path, err = exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	if program != "" {
		return "", setupError("install PowerShell 7: https://aka.ms/powershell", "PowerShell %q: %w", program, errors.Unwrap(err))
	}
	return "", setupError("install PowerShell 7: https://aka.ms/powershell", "PowerShell not found: no %s in PATH", strings.Join(names, " or "))
}

// checkModule returns an error if version, "" if there is none, won't do.
func checkModule(version string) error {
	switch {
	case version == "":
		return setupError("Install-Module "+moduleName+" -Scope CurrentUser", "PowerShell module %s is not installed", moduleName)
	case older(version, minModule):
		return setupError("Update-Module "+moduleName, "PowerShell module %s %q is too old: want %s or later", moduleName, version, minModule)
	}
	return nil
}

// older reports whether version a, numbers with points between, is before b.
// What is no number counts as 0.
func older(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		var m, n int
		if i < len(as) {
			m, _ = strconv.Atoi(as[i])
		}
		if i < len(bs) {
			n, _ = strconv.Atoi(bs[i])
		}
		if m != n {
			return m < n
		}
	}
	return false
}
