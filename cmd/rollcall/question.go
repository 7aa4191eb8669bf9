package main

import (
	"fmt"
	"io"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/job"
	"rollcall/pipeline/roster"
	"rollcall/report"
)

// forecast reads the rows of a bound change, skips the first of them, and returns what
// the others ask for. It makes no call.
func forecast(c *pipeline.Change, rows pipeline.Rows, first int) (*report.Asked, error) {
	asked := report.NewAsked(c.Properties())
	if c.Setting.Noun != job.DefaultNoun {
		asked.Noun = c.Setting.Noun
	}
	var row roster.Row
	var values []pipeline.Value
	for n := 0; ; n++ {
		err := rows.Read(&row)
		if err == io.EOF {
			return asked, nil
		}
		if err != nil {
			return nil, err
		}
		if n < first {
			continue
		}
		if known := c.Forecast(&row, values); known != nil {
			values = known
			asked.Add(values)
		}
	}
}

// describeRequest returns a sentence on what a plan asks for, not counting the first
// rows. Whose says which users these are, if that is not clear: "the other".
func describeRequest(p *job.Plan, first int, whose string) (sentence string, asked *report.Asked, err error) {
	if asked, err = forecast(p.Change, p.Users.Rows(), first); err != nil {
		return "", nil, err
	}
	if p.Source != nil && p.Manifest.Run == "undo" {
		return asked.PutBack(len(p.Source.Properties), whose), asked, nil
	}
	return asked.Set(whose), asked, nil
}

// question returns the question for confirmation of a job: what it changes, where the
// record will be, and whether undo can put the values back.
func (x *execution) question(p *job.Plan) (string, error) {
	whose := ""
	if p.Counts.Recorded > 0 {
		whose = "the other"
	}
	sentence, asked, err := describeRequest(p, p.Counts.Recorded, whose)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("%s on the %s?", sentence, p.Tenant.Title()) + besides(p.Change)
	where := x.output.name
	if where == "" || where == "-" {
		where = "standard output"
	}
	text += " Record: " + where + "."
	reads := x.readFirst || p.Change.Expects()
	switch {
	case !p.Befores:
		return text + " Values before are not recorded, so undo can't put them back (--read-first records them).", nil
	case !reads && asked.Unread() > 0:
		return text + fmt.Sprintf(" The values before of %s are not known, so undo can't put them back (--read-first records them).", pipeline.Plural(asked.Unread(), "user")), nil
	case !reads:
		return text + fmt.Sprintf(" Values before are recorded there as %s has them: undo puts those back, also where somebody has changed them since (--if-unchanged or --read-first looks).", baseName(x.rosterName)), nil
	}
	return text + " Values before are recorded there: undo puts them back.", nil
}

// besides returns a sentence on the other properties that a change changes, or "".
func besides(c *pipeline.Change) string {
	moved := c.Moved()
	if moved == nil {
		return ""
	}
	return fmt.Sprintf(" This also changes %s.", strings.Join(moved, ", "))
}

// question returns the question for confirmation of a change of the users named.
func (f *userFlags) question(c *pipeline.Change, upns []string, tenant string) (string, error) {
	asked, err := forecast(c, &userRows{upns: upns}, 0)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s on the %s?", asked.Set(""), tenant) + besides(c) +
		" The values before are shown, and recorded in no file.", nil
}
