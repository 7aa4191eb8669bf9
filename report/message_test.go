package report

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// A message has the outcome and the counts, all of them, and of which run that is, but
// none of what may name a user.
func TestMessages(t *testing.T) {
	o := &results.Outcome{Command: "apply", Exit: 5, Ending: results.Guarded, Working: 90 * time.Second, Calls: 12,
		Tenant: "exchange contoso.com", Noun: "CASMailbox", Change: "PopEnabled=<!channel>", Note: "CHG_1 & *co* @here", Host: "web01", Cause: "stopped by --limit",
		Roster: "hidden", Results: "hidden", User: "hidden", Reason: "hidden", CommandLine: "hidden", Caller: "hidden"}
	const facts = "tenant: exchange contoso.com\nrun: apply\nchange: PopEnabled=&lt;!channel&gt; of CASMailbox\nnote: CHG_1 &amp; *co* @\u200bhere\nhost: web01\nwhy: stopped by --limit\n"
	o.Rows.Total, o.Rows.Recorded = 9, 4
	o.Rows.ByStatus[pipeline.Applied], o.Rows.ByStatus[pipeline.Failed] = 3, 1

	var slack, teams bytes.Buffer
	if err := SlackMessage(&slack, o); err != nil {
		t.Fatal(err)
	}
	var message struct {
		Text   string
		Mrkdwn *bool
	}
	title, rest, _ := strings.Cut(OutcomeText(o), "\n")
	if err := json.Unmarshal(slack.Bytes(), &message); err != nil || message.Text+"\n" != title+"\n"+facts+rest || message.Mrkdwn == nil || *message.Mrkdwn {
		t.Errorf("%v: %q", err, message.Text)
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
	for _, want := range append([]string{"rollcall apply: guard, exit status 5\n", "rows 4 of 9\n", "applied 3\n", "failed 1\n", "12 calls",
		"tenant exchange contoso.com\n", `change PopEnabled=\<!channel\> of CASMailbox`, `note CHG\_1 & \*co\* @here`, "host web01\n", "why stopped by --limit\n"}, Unfinished(&o.Rows, Fate("apply", true))...) {
		if !strings.Contains(all, want) {
			t.Errorf("the card has no %q:\n%s", want, all)
		}
	}
	if strings.Contains(slack.String()+teams.String(), "hidden") {
		t.Errorf("more than counts: %s%s", slack.String(), teams.String())
	}
}

// What a fact has is shown to the letter by what shows Markdown, and a sandbox says
// that it is one.
func TestMessageFacts(t *testing.T) {
	for text, want := range map[string]string{"- a": `\- a`, "1. a": `1\. a`, "a-1.": "a-1.", "[x](http://y)": `\[x\](http://y)`, `a\*`: `a\\\*`} {
		if got := teamsText(text); got != want {
			t.Errorf("teamsText(%q) = %q, want %q", text, got, want)
		}
	}
	facts := messageFacts(&results.Outcome{Command: "audit", Tenant: "sandbox:/home/ada/t.csv", Sandbox: true, Noun: "N"})
	want := []cardFact{{"tenant", "sandbox: nothing in Microsoft 365 was touched"}, {"run", "audit, which only reads"}, {"change", "N"}}
	if !slices.Equal(facts, want) {
		t.Errorf("%v, want %v", facts, want)
	}
}
