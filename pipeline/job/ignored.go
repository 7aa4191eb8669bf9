package job

import (
	"fmt"
	"strings"

	"rollcall/pipeline/results"
	"rollcall/tenant/connect"
)

// An IgnoredError says that the summary beside a results file does not fit the file and is
// ignored, and that it has another setting or tenant than the defaults that the job would
// use instead. Naming what is meant makes the job go on.
type IgnoredError struct {
	Kind, Roster string         // of the job
	Noun         string         // of the summary; "" if the job would use the same
	Tenant       string         // of the summary, in words; "" if the job would use the same
	Where        *results.Where // the same, or nil
}

func (e *IgnoredError) Error() string {
	var differ []string
	if e.Noun != "" {
		differ = append(differ, fmt.Sprintf("the run was about %s, and this would be about %s", e.Noun, DefaultNoun))
	}
	if e.Where != nil {
		differ = append(differ, fmt.Sprintf("the run was on the %s, and this would be on the sandbox", e.Tenant))
	}
	return fmt.Sprintf("%s %s: the file is not as its run left it, and its summary %s is ignored; but by that summary %s",
		e.Kind, e.Roster, results.SummaryName(e.Roster), strings.Join(differ, "; "))
}

// checkIgnored returns an [IgnoredError] if a default would replace what the job would
// take from the summary if that did fit the file. What the options name is not checked.
func (j *job) checkIgnored() error {
	past := j.past()
	if past == nil || past.Ignored == nil {
		return nil
	}
	m := past.Ignored
	e := &IgnoredError{Kind: j.kind(), Roster: j.Roster}
	if j.Undo {
		e.Kind = "undo"
	}
	if len(j.Wanted.Sets) == 0 && j.Wanted.Noun == "" && m.Noun != DefaultNoun {
		e.Noun = m.Noun
	}
	if j.Undo && j.Settings.Tenant == "" && m.Where.Tenant != connect.Sandbox {
		e.Tenant, e.Where = m.Tenant, &m.Where
	}
	if e.Noun == "" && e.Where == nil {
		return nil
	}
	return e
}
