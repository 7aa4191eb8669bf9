package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
	"rollcall/tenant/disk"
)

// A lock that can't be had for want of rights comes with what to do about it.
func TestLockHint(t *testing.T) {
	path := filepath.Join("dir", "results.csv.lock")
	for _, test := range []struct {
		err  *lock.AccessError
		want string
	}{
		{&lock.AccessError{Path: path, Shared: true, Mode: 0o600, Err: fs.ErrPermission}, "chmod 666 " + path},
		{&lock.AccessError{Path: path, Mode: 0o600, Err: fs.ErrPermission}, "remove it when no run uses " + filepath.Join("dir", "results.csv")},
		{&lock.AccessError{Path: path, Shared: true, Err: fs.ErrNotExist}, "write access to dir, or to another --lock-dir"},
	} {
		err := (&execution{jobFlags: &jobFlags{}}).explain(fmt.Errorf("lock it: %w", test.err))
		if e, ok := errors.AsType[*exit](err); !ok || !strings.Contains(e.hint, test.want) || e.status != exitError {
			t.Errorf("%v: %#v, want the hint %q", test.err, err, test.want)
		}
	}
}

// Of a results file that nobody has named there is no hint that needs its name.
func TestHintOfARecordNobodyNamed(t *testing.T) {
	x := &execution{jobFlags: &jobFlags{}, recordNamed: true}
	for _, test := range []struct {
		err  error
		want string
	}{
		{&lock.AccessError{Path: "apply-1.csv.lock", Err: fs.ErrPermission}, "the record can't be written in this directory: name a file with -o FILE"},
		{disk.ErrExists, ""},
		{results.ErrJournal, ""},
	} {
		hint := ""
		if e, ok := errors.AsType[*exit](x.explain(fmt.Errorf("create it: %w", test.err))); ok {
			hint = e.hint
		}
		if hint != test.want {
			t.Errorf("%v: hint %q, want %q", test.err, hint, test.want)
		}
	}
}
