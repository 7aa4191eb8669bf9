package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rollcall/pipeline/results"
)

// recordName returns the name of the results file of a run that nobody gave one for,
// in the working directory: apply-20261128-220502Z.csv, by the time in UTC, which is
// the one in the file. Neither it nor what would stand beside it is there.
func recordName(kind string, now time.Time) string {
	name := fmt.Sprintf("%s-%s.csv", kind, now.UTC().Format("20060102-150405Z"))
	return unusedIf(name, func(name string) bool {
		for _, beside := range append(results.Beside(name), name) {
			if _, err := os.Lstat(beside); !errors.Is(err, os.ErrNotExist) {
				return false
			}
		}
		return true
	})
}

// unfinishedRecord returns the newest file that recordName named, for a run of that
// kind that is not complete, or "".
func unfinishedRecord(kind string) string {
	entries, err := os.ReadDir(".")
	if err != nil {
		return ""
	}
	type journal struct {
		of   string
		time time.Time
	}
	var found []journal
	for _, e := range entries {
		name, ok := results.OfJournal(e.Name())
		if !ok || !strings.HasPrefix(name, kind+"-") || filepath.Ext(name) != ".csv" {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			found = append(found, journal{name, info.ModTime()})
		}
	}
	if found == nil {
		return ""
	}
	return slices.MaxFunc(found, func(a, b journal) int {
		return cmp.Or(a.time.Compare(b.time), cmp.Compare(a.of, b.of))
	}).of
}

// nameRecord names the results file of a job on a real tenant, for which nobody has
// given a name: what was changed there must not be forgotten.
func (x *execution) nameRecord() string {
	x.recordNamed = true
	x.output.name = recordName(x.kind(), time.Now())
	return x.output.name
}

// kind says in a word what a job does that writes.
func (f *jobFlags) kind() string {
	if f.undo {
		return "undo"
	}
	return "apply"
}

// nothingToResume is that --resume does not say which results file to go on with.
func (f *jobFlags) nothingToResume() error {
	e := &exit{status: exitUsage, err: errors.New("--resume needs -o FILE: the results file to go on with")}
	if name := unfinishedRecord(f.kind()); name != "" && !f.audit {
		e.hint = "the newest unfinished record here is " + name + ": -o " + quoteArg(name)
	}
	return e
}
