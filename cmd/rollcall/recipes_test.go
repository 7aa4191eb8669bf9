package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// flagsOfLine parses the words behind the program's name and returns the values of the
// flags that they have.
func flagsOfLine(t *testing.T, words []string) (*cobra.Command, map[string]string) {
	t.Helper()
	c, rest, err := new(app).root().Find(words)
	if err != nil || !c.Runnable() {
		t.Fatalf("rollcall %q is no command: %v", words, err)
	}
	if err := c.ParseFlags(rest); err != nil {
		t.Fatalf("rollcall %q: %v", words, err)
	}
	if args := c.Flags().Args(); len(args) > 0 {
		t.Fatalf("rollcall %q: %q is no flag", words, args)
	}
	values := make(map[string]string)
	for _, word := range rest {
		if name, ok := strings.CutPrefix(word, "--"); ok {
			name, _, _ = strings.Cut(name, "=")
			values[name] = c.Flag(name).Value.String()
		}
	}
	return c, values
}

// fleetUnits are the names of the units of help recipes.
var fleetUnits = []string{"rollcall-serve@.service", "rollcall-work.service"}

// fleetUnit returns a unit of help recipes, as it is written and parsed.
func fleetUnit(t *testing.T, name string) (text string, settings map[string][]string) {
	t.Helper()
	_, text, ok := strings.Cut(block(t, "# /etc/systemd/system/"+name), "\n")
	if !ok {
		t.Fatal(name + " is empty")
	}
	settings = make(map[string][]string)
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			settings[key] = append(settings[key], value)
		}
	}
	return text, settings
}

// The units of a fleet run commands that there are, with the files that they load, and
// give them longer to stop than the commands take.
func TestRecipeUnits(t *testing.T) {
	for _, name := range fleetUnits {
		_, unit := fleetUnit(t, name)
		words := strings.Fields(strings.ReplaceAll(strings.Join(unit["ExecStart"], ""), "%i", "1"))
		_, flags := flagsOfLine(t, words[1:])
		for flag, value := range flags {
			file, ok := strings.CutPrefix(value, "%d/")
			if ok != slices.Contains([]string{"tls-cert", "tls-key", "tls-ca", "token-file"}, flag) {
				t.Errorf("%s: --%s is %s", name, flag, value)
			}
			if ok && !slices.ContainsFunc(unit["LoadCredential"], func(c string) bool { return strings.HasPrefix(c, file+":") }) {
				t.Errorf("%s: --%s is %s, which is no LoadCredential", name, flag, value)
			}
			if dir, ok := strings.CutPrefix(value, "%S/"); ok && !strings.HasPrefix(dir, unit["StateDirectory"][0]+"/") {
				t.Errorf("%s: --%s is %s, not in its StateDirectory", name, flag, value)
			}
		}
		checkStop(t, name, unit["TimeoutStopSec"][0])
		if dynamic := unit["DynamicUser"] != nil; dynamic && strings.Contains(words[2], "work") {
			t.Errorf("%s: a DynamicUser has a /var/tmp of its own, without the locks of other runs", name)
		}
	}
}

// checkStop checks that a command which is given that many seconds to stop has more
// than it takes for rows in progress.
func checkStop(t *testing.T, name, seconds string) {
	t.Helper()
	n, err := strconv.ParseFloat(strings.TrimSuffix(seconds, "s"), 64)
	if err != nil || n <= stopTimeout.Seconds() {
		t.Errorf("%s is given %s to stop, and --stop-timeout is %v", name, seconds, stopTimeout)
	}
}

// The units of a fleet are ones, and systemd finds them little exposed.
func TestRecipeUnitsVerify(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze to verify the units with")
	}
	dir := t.TempDir()
	for _, name := range fleetUnits {
		text, _ := fleetUnit(t, name)
		file := filepath.Join(dir, strings.Replace(name, "@", "@1", 1))
		text = strings.ReplaceAll(text, "/usr/local/bin/rollcall", "/bin/true")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(analyze, "verify", file).CombinedOutput()
		if err != nil || strings.Contains(strings.ReplaceAll(string(out), "@1", ""), strings.Replace(name, "@", "", 1)) {
			t.Errorf("systemd-analyze verify %s: %v\n%s", name, err, out)
		}
		out, err = exec.Command(analyze, "security", "--offline=true", "--threshold=35", "--no-pager", file).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "unrecognized option") {
			t.Errorf("systemd-analyze security %s: %v\n%s", name, err, out)
		}
	}
}

// The commands of help recipes make certificates with which nodes, under the names that
// the recipes give them, and clients trust one another.
func TestRecipeCertificates(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no openssl")
	}
	t.Parallel()
	script := strings.ReplaceAll(block(t, "openssl rand"), "rsa:3072", "rsa:2048")
	kubernetes := strings.Replace(script, "names=DNS:fleet.example.com,DNS:fleet$n.example.com", "names=DNS:fleet,DNS:serve-$n.serve", 1)
	if kubernetes == script {
		t.Fatal("the names are others than this test knows")
	}
	for script, names := range map[string][]string{script: {"fleet.example.com", "fleet2.example.com"}, kubernetes: {"fleet", "serve-2.serve"}} {
		dir := t.TempDir()
		cmd := exec.Command("/bin/sh", "-ec", script)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		read := func(name string) []byte {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		if token := bytes.TrimSpace(read("token")); len(token) != 64 {
			t.Errorf("the token has %d characters", len(token))
		}
		if info, err := os.Stat(filepath.Join(dir, "node2.key")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("a key has mode %v, %v", info.Mode(), err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(read("ca.crt")) {
			t.Fatal("ca.crt holds no certificate")
		}
		pemBlock, _ := pem.Decode(read("node2.crt"))
		cert, err := x509.ParseCertificate(pemBlock.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if cert.IsCA {
			t.Error("a node's certificate can sign others")
		}
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			for _, name := range names {
				if _, err := cert.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
					t.Errorf("%s, for use %d: %v", name, usage, err)
				}
			}
		}
	}
}
