package main

import (
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// secrets are what the secrets look like that the tests use, and the tokens that
// the sandbox server issues. No test may use others.
var secrets = regexp.MustCompile(`\b(token|secret|password)-[0-9a-f]{4}\b|eyJ[A-Za-z0-9_-]{8,}\.eyJ|PRIVATE KEY`)

// saidVariable names the directory that keeps what the program says in a script.
const saidVariable = "SAID"

// overheard is main, and keeps what the program says for noSecrets to read.
func overheard() {
	dir := os.Getenv(saidVariable)
	if dir == "" {
		main()
		return
	}
	signal.Ignore(syscall.SIGPIPE)
	f, err := os.CreateTemp(dir, "")
	if err != nil {
		panic(err)
	}
	os.Exit(run(os.Args[1:], os.Stdin, io.MultiWriter(os.Stdout, f), io.MultiWriter(os.Stderr, f)))
}

// noSecrets has the script in env fail if, in the end, a secret is in anything
// that the program has said or in any file that the script did not bring along.
func noSecrets(env *testscript.Env) error {
	dir := filepath.Join(env.WorkDir, ".said")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	env.Setenv(saidVariable, dir)
	brought, err := files(env.WorkDir)
	if err != nil {
		return err
	}
	env.Defer(func() {
		all, err := files(env.WorkDir)
		if err != nil {
			env.T().Fatal(err)
		}
		made := *env.Values[keysMade{}].(*[]string)
		for _, name := range all {
			if slices.Contains(brought, name) || slices.Contains(made, name) {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				env.T().Fatal(err)
			}
			if found := secrets.Find(text); found != nil {
				env.T().Fatal("there is a secret, ", string(found), ", in ", name)
			}
		}
	})
	env.Values[keysMade{}] = new([]string)
	return nil
}

// keysMade is the key of the names of the files with secrets that a script made.
type keysMade struct{}

// files returns the regular files below dir.
func files(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	return names, err
}
