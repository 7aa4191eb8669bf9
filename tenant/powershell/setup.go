package powershell

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"

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

// bootRemedies are texts of a process that does not begin until a person has corrected
// something, with what that is.
var bootRemedies = []struct{ text, hint string }{
	// PowerShell under a policy that lets scripts call nothing of .NET. The last
	// lines that Windows PowerShell writes are not the message but its ID, which
	// is the same in every language.
	{"language mode", "allow the account that runs rollcall full language mode"},
	{"ConstrainedLanguage", "allow the account that runs rollcall full language mode"},
	// Something is not installed. Certain: the texts are those of .NET's host, of .NET
	// and of the GNU C library.
	{"You must install", "install PowerShell 7: https://aka.ms/powershell"},
	{"valid ICU package", "install libicu, or set DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1"},
	{"cannot open shared object file: No such file", "install the library that PowerShell lacks"},
}

// bootError returns the error of a process of program that did not begin because of
// err.
func bootError(program string, err error) error {
	for _, r := range bootRemedies {
		if strings.Contains(err.Error(), r.text) {
			return setupError(r.hint, "start PowerShell, %s: %w", program, err)
		}
	}
	return fmt.Errorf("start PowerShell, %s: %w", program, err)
}

// isShortage reports whether a process that could not be started because of err may be
// started later.
func isShortage(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && slices.Contains(shortages, errno)
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
