package entra

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
)

// maxFile bounds what is read of a file. Certificates with their chains are
// the longest.
const maxFile = 1 << 20

// readFile returns what is in a file, and a warning if others may read it.
func readFile(name string) (data []byte, warning string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, "", err
	}
	if info.IsDir() {
		return nil, "", fmt.Errorf("read %s: a directory", name)
	}
	data, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, "", err
	case len(data) > maxFile:
		return nil, "", fmt.Errorf("read %s: more than %d MiB", name, maxFile>>20)
	}
	return data, exposed(name, info), nil
}

// exposed returns a warning if others than its owner may read a file. Windows
// has no such bits.
func exposed(name string, info fs.FileInfo) string {
	mode := info.Mode().Perm()
	if runtime.GOOS == "windows" || !info.Mode().IsRegular() || mode&0o044 == 0 {
		return ""
	}
	return fmt.Sprintf("%s has a secret and can be read by others (mode %04o): chmod 600 it", name, mode)
}

// readSecret returns the one word that is in a file: a secret or a token.
func readSecret(name string) (secret, warning string, err error) {
	data, warning, err := readFile(name)
	if err != nil {
		return "", "", err
	}
	if bytes.HasPrefix(data, []byte("\xFF\xFE")) || bytes.HasPrefix(data, []byte("\xFE\xFF")) {
		return "", "", fmt.Errorf("read %s: in UTF-16: save it as UTF-8", name)
	}
	secret = strings.TrimSpace(strings.TrimPrefix(string(data), "\uFEFF"))
	switch {
	case secret == "":
		return "", "", fmt.Errorf("read %s: %w", name, errEmpty)
	case strings.ContainsAny(secret, "\r\n\x00"):
		return "", "", fmt.Errorf("read %s: more than one line", name)
	}
	return secret, warning, nil
}

var errEmpty = errors.New("empty")
