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

// recordName returns the default name of a results file, in the working directory:
// apply-20261128-220502Z.csv, with the time in UTC as in the file, or the first one with
// -2, -3 and so on for which isFree returns true.
func recordName(kind string, now time.Time, isFree func(name string) bool) string {
	return unusedIf(fmt.Sprintf("%s-%s.csv", kind, now.UTC().Format("20060102-150405Z")), isFree)
}

// unfinishedRecord returns the newest results file with a default name of a run of this
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

// nameRecord names the results file of a job on a real tenant without -o: changes there
// must always be recorded.
func (x *execution) nameRecord(isFree func(name string) bool) string {
	x.recordNamed = true
	x.output.name = recordName(x.kind(), time.Now(), isFree)
	return x.output.name
}

// kind returns the name of the command of a job that writes: apply or undo.
func (f *jobFlags) kind() string {
	if f.undo {
		return "undo"
	}
	return "apply"
}

// nothingToResume returns the error for --resume without a results file.
func (f *jobFlags) nothingToResume() error {
	e := &exit{status: exitUsage, err: errors.New("--resume needs -o FILE, the results file to go on with")}
	if name := unfinishedRecord(f.kind()); name != "" && !f.audit {
		e.hint = "the newest results file of an unfinished run here is " + name + ": use -o " + quoteArg(name)
	}
	return e
}
