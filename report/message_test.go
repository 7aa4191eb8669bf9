package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// A message has the outcome and the counts, all of them, and of the rest of an
// outcome nothing.
func TestMessages(t *testing.T) {
	o := &results.Outcome{Command: "apply", Exit: 5, Ending: results.Guarded, Working: 90 * time.Second, Calls: 12,
		Tenant: "hidden", Noun: "hidden", Change: "hidden", Roster: "hidden", Results: "hidden", User: "hidden", Host: "hidden", Reason: "hidden"}
	o.Rows.Total, o.Rows.Recorded = 9, 4
	o.Rows.ByStatus[pipeline.Applied], o.Rows.ByStatus[pipeline.Failed] = 3, 1

	var slack, teams bytes.Buffer
	if err := SlackMessage(&slack, o); err != nil {
		t.Fatal(err)
	}
	var message struct{ Text string }
	if err := json.Unmarshal(slack.Bytes(), &message); err != nil || message.Text+"\n" != OutcomeText(o) {
		t.Errorf("%v: %s", err, slack.String())
	}

	if err := TeamsMessage(&teams, o); err != nil {
		t.Fatal(err)
	}
	var card struct {
		Type        string
		Attachments []struct {
			ContentType string
			Content     struct {
				Type, Version string
				Body          []struct {
					Type, Text, Color string
					Facts             []struct{ Title, Value string }
				}
			}
		}
	}
	if err := json.Unmarshal(teams.Bytes(), &card); err != nil {
		t.Fatal(err)
	}
	content := card.Attachments[0].Content
	if card.Type != "message" || len(card.Attachments) != 1 || content.Type != "AdaptiveCard" || content.Version == "" || content.Body[0].Color != "attention" {
		t.Errorf("not a card of a failure: %s", teams.String())
	}
	var text []string
	for _, block := range content.Body {
		text = append(text, block.Text)
		for _, f := range block.Facts {
			text = append(text, f.Title+" "+f.Value)
		}
	}
	all := strings.Join(text, "\n") + "\n"
	for _, want := range append([]string{"rollcall apply: guard, exit status 5\n", "rows 4 of 9\n", "applied 3\n", "failed 1\n", "12 calls"}, Unfinished(&o.Rows, Fate("apply", true))...) {
		if !strings.Contains(all, want) {
			t.Errorf("the card has no %q:\n%s", want, all)
		}
	}
	if strings.Contains(slack.String()+teams.String(), "hidden") {
		t.Errorf("more than counts: %s%s", slack.String(), teams.String())
	}
}
