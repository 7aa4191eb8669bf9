package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// SlackMessage writes [OutcomeText], and which run it is about, as a message for an
// incoming webhook of Slack, or of a service that is compatible with it. The message names
// no user of the roster.
func SlackMessage(w io.Writer, o *results.Outcome) error {
	title, rest, _ := strings.Cut(OutcomeText(o), "\n")
	lines := []string{title}
	for _, f := range messageFacts(o) {
		lines = append(lines, f.Title+": "+slackText(f.Value))
	}
	return json.NewEncoder(w).Encode(struct {
		Text   string `json:"text"`
		Marked bool   `json:"mrkdwn"` // it is plain text
	}{Text: strings.Join(append(lines, strings.TrimSuffix(rest, "\n")), "\n")})
}

// Parts of an Adaptive Card.
type (
	cardMessage struct {
		Type        string           `json:"type"`
		Attachments []cardAttachment `json:"attachments"`
	}
	cardAttachment struct {
		ContentType string       `json:"contentType"`
		Content     adaptiveCard `json:"content"`
	}
	adaptiveCard struct {
		Schema  string `json:"$schema"`
		Type    string `json:"type"`
		Version string `json:"version"`
		Body    []any  `json:"body"`
	}
	cardText struct {
		Type   string `json:"type"`
		Text   string `json:"text"`
		Weight string `json:"weight,omitempty"`
		Color  string `json:"color,omitempty"`
		Wrap   bool   `json:"wrap"`
	}
	cardFacts struct {
		Type  string     `json:"type"`
		Facts []cardFact `json:"facts"`
	}
	cardFact struct {
		Title string `json:"title"`
		Value string `json:"value"`
	}
)

// TeamsMessage writes an outcome as a message for a webhook of Teams, of a workflow or a
// connector: an Adaptive Card with the content of [SlackMessage].
func TeamsMessage(w io.Writer, o *results.Outcome) error {
	title, rest, _ := strings.Cut(OutcomeText(o), "\n")
	_, rest, _ = strings.Cut(rest, "\n") // the counts, which are facts here
	color := "good"
	if o.Exit != 0 {
		color = "attention"
	}
	facts := messageFacts(o)
	for i := range facts {
		facts[i].Value = teamsText(facts[i].Value)
	}
	facts = append(facts, cardFact{"rows", fmt.Sprintf("%d of %d", o.Rows.Done(), o.Rows.Total)})
	for status, n := range o.Rows.ByStatus {
		if n > 0 {
			facts = append(facts, cardFact{pipeline.Status(status).String(), strconv.Itoa(n)})
		}
	}
	body := []any{
		cardText{Type: "TextBlock", Text: title, Weight: "bolder", Color: color, Wrap: true},
		cardFacts{"FactSet", facts},
	}
	for line := range strings.Lines(rest) {
		body = append(body, cardText{Type: "TextBlock", Text: strings.TrimSuffix(line, "\n"), Wrap: true})
	}
	return json.NewEncoder(w).Encode(cardMessage{"message", []cardAttachment{{
		ContentType: "application/vnd.microsoft.card.adaptive",
		Content:     adaptiveCard{"http://adaptivecards.io/schemas/adaptive-card.json", "AdaptiveCard", "1.4", body},
	}}})
}
