package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/pipeline/lock"
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
