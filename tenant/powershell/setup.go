package powershell

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"rollcall/tenant"
)

// A SetupError is a fault that a person has to correct. Every cmdlet fails until
// then.
type SetupError struct {
	Err  error
	Hint string // the command that corrects it, or what to check; may be ""
}

func (e *SetupError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SetupError) Unwrap() error { return e.Err }

func setupError(hint, format string, args ...any) *SetupError {
	return &SetupError{fmt.Errorf(format, args...), hint}
}

// noCredential returns err, with which a token source failed: as it is if it is
// transient, and else as a [*SetupError].
func noCredential(err error) error {
	if e, ok := errors.AsType[*tenant.Error](err); ok && e.Transient() || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &SetupError{Err: err}
}

// bootError returns the error of a process of program that did not begin because of
// err.
func bootError(program string, err error) error {
	// PowerShell under a policy that lets scripts call nothing of .NET. The last
	// lines that Windows PowerShell writes are not the message but its ID, which
	// is the same in every language.
	if text := err.Error(); strings.Contains(text, "language mode") || strings.Contains(text, "ConstrainedLanguage") {
		return setupError("allow the account that runs rollcall full language mode", "start PowerShell, %s: %w", program, err)
	}
	return fmt.Errorf("start PowerShell, %s: %w", program, err)
}

// programs are the names of PowerShell, the better one first.
var programCandidates = programNames(runtime.GOOS)

func programNames(goos string) []string {
	if goos == "windows" {
		return []string{"pwsh", "powershell.exe"}
	}
	return []string{"pwsh"}
}

// find returns the path of the PowerShell to run.
func find(program string) (string, error) {
	names := []string{program}
	if program == "" {
		names = programCandidates
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

// policyError returns the error of a module that may not be loaded by anyone, or
// nil if f is another.
func policyError(f *failure) error {
	if !f.mentions([]string{"running scripts is disabled", "PSSecurityException"}) {
		return nil
	}
	return setupError("Set-ExecutionPolicy RemoteSigned -Scope CurrentUser", "load PowerShell module %s: %s", moduleName, tenant.Clean(f.Message))
}
