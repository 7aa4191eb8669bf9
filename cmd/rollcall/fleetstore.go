package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/lock"
	"rollcall/tenant/disk"
)

// checkStoreDir returns an error if a directory has something, and is no store of a
// fleet server, or that of one at work. It warns of one that every account can enter.
func checkStoreDir(a *app, dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
	}
	if !has("store.json") && !has("jetstream") { // of the latter queue.Serve says more
		for _, e := range entries {
			if name := e.Name(); name != "lock" && name != "lost+found" && !disk.IsTemporary(name) {
				return &exit{status: exitError, err: fmt.Errorf("--store %s: it is not empty, and no store of a fleet server: it has %s", dir, name),
					hint: "--store DIR names another one, which need not be there"}
			}
		}
	}
	if has("lock") { // ahead of the port, which a server of the same command line has, too
		held, err := lock.File{Path: filepath.Join(dir, "lock"), What: "the store " + dir}.Acquire(context.Background(), "fleet", 0)
		if err != nil {
			return storeError(err)
		}
		held.Release()
	}
	if info, err := os.Stat(dir); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o005 != 0 {
		a.console.Warn("warning: every account of this machine can enter the store %s (mode %04o), which holds rosters and results: chmod 700 %s", dir, info.Mode().Perm(), dir)
	}
	return nil
}

// storeError returns err, why a store can't be served, with its exit status and what to do
// about it.
func storeError(err error) error {
	if _, held := errors.AsType[*lock.HeldError](err); held {
		return &exit{status: exitHeld, err: err}
	}
	if broken, ok := errors.AsType[*queue.BrokenError](err); ok {
		return &exit{status: exitError, err: broken,
			hint: "when its disk has room, or is repaired, start the server again: what it acknowledged is there, and workers come back to it"}
	}
	return err
}

// checkBeyond returns an error if the server is to listen beyond this machine, and lacks
// what others have to trust it, or it them.
func (f *fleetServeFlags) checkBeyond(token string) error {
	var lacks []string
	if f.auth.tls.Cert == "" {
		lacks = append(lacks, "a certificate (--tls-cert and --tls-key)")
	}
	if token == "" {
		lacks = append(lacks, "a token (--token-file, or "+fleetTokenVariable+")")
	}
	for i, at := range append([]string{f.listen}, f.peers...) {
		host, _, err := net.SplitHostPort(at)
		if ip := net.ParseIP(host); err != nil || lacks == nil || host == "localhost" || ip != nil && ip.IsLoopback() {
			continue
		}
		flag := "--listen"
		if i > 0 {
			flag = "--peers"
		}
		return usage(fmt.Errorf("%s %s: beyond this machine a server needs %s", flag, at, strings.Join(lacks, " and ")))
	}
	return nil
}
