package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/pflag"

	"rollcall/pipeline/fleet/queue"
	"rollcall/tenant/disk"
)

// fleetTokenVariable is the environment variable that holds the token of a fleet server.
const fleetTokenVariable = "ROLLCALL_FLEET_TOKEN"

// tokenFileFlag is the flag for the token of a fleet server. See [flagOnly].
const tokenFileFlag = "token-file"

// flagOnly reports whether neither environment nor profile sets a flag: there
// token-file means the access token of a tenant, which a fleet server must not see.
func flagOnly(flag *pflag.Flag) bool {
	return flag.Name == tokenFileFlag && flag.Annotations[groupAnnotation][0] != signInGroup
}

// fleetAuthFlags are what one side of a connection to a fleet server shows the other.
type fleetAuthFlags struct {
	tls       queue.TLS
	tokenFile string
}

func (f *fleetAuthFlags) addToken(fs *pflag.FlagSet) {
	fs.StringVar(&f.tokenFile, tokenFileFlag, "", "the token of the fleet server is in this `FILE`, which other accounts must not be able to read (default: the token in "+fleetTokenVariable+")")
}

// check returns an error if the flags contradict each other.
func (f *fleetAuthFlags) check() error {
	if (f.tls.Cert == "") != (f.tls.Key == "") {
		return usage(errors.New("--tls-cert and --tls-key need each other"))
	}
	return nil
}

// token returns the token of the server, or "" if there is none.
func (f *fleetAuthFlags) token() (string, error) {
	if f.tokenFile == "" {
		return strings.TrimSpace(os.Getenv(fleetTokenVariable)), nil
	}
	token, err := readTokenFile(f.tokenFile)
	if err != nil {
		return "", tokenFileError(f.tokenFile, err)
	}
	return token, nil
}

// tokenFileError returns err, why the token could not be read, with what to do.
func tokenFileError(name string, err error) error {
	e := &exit{status: exitError, err: fmt.Errorf("--token-file %s: %w", name, disk.Cause(err))}
	if errors.Is(err, errExposed) {
		e.hint = "chmod 600 " + name
	}
	return e
}

// errExposed is the error of a secret that every account can read.
var errExposed = errors.New("every account of this machine can read it")

// maxToken bounds what is read of a token's file.
const maxToken = 4096

// readTokenFile returns the one word in a file. The file has to be a regular one that
// only its owner, or its group, can read: what systemd and Kubernetes make for a
// service is readable by its group.
func readTokenFile(name string) (string, error) {
	info, err := os.Stat(name) // ahead of Open, which waits at a pipe
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("not a regular file")
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o004 != 0 {
		return "", fmt.Errorf("%w (mode %04o)", errExposed, mode)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(strings.TrimPrefix(string(data), "\uFEFF"))
	switch {
	case len(data) > maxToken:
		return "", fmt.Errorf("longer than %d bytes", maxToken)
	case token == "":
		return "", errors.New("it is empty")
	case strings.ContainsAny(token, " \t\r\n\x00"):
		return "", errors.New("want one word")
	}
	return token, nil
}
