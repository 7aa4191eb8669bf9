package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"

	"rollcall/pipeline/results"
	"rollcall/report"
)

// webhookForms are the values of --webhook-form, the default first.
var webhookForms = []string{"teams", "slack", "json"}

// A webhook posts the outcome of a run once, at its end: as a message for people or as
// JSON.
type webhook struct {
	*poster
	form string
}

// newWebhook returns the webhook for a URL, or nil if that is "".
func newWebhook(text, form string, transport http.RoundTripper) (*webhook, error) {
	if !slices.Contains(webhookForms, form) {
		return nil, fmt.Errorf("--webhook-form %q: want %s", form, either(webhookForms))
	}
	p, err := newPoster("webhook", text, transport)
	if p == nil || err != nil {
		return nil, err
	}
	return &webhook{p, form}, nil
}

// send posts an outcome. The post names no user of the roster.
func (w *webhook) send(ctx context.Context, o *results.Outcome) error {
	if w == nil {
		return nil
	}
	var body bytes.Buffer
	var err error
	switch w.form {
	case "teams":
		err = report.TeamsMessage(&body, o)
	case "slack":
		err = report.SlackMessage(&body, o)
	default:
		anonymous := *o
		anonymous.Reason = "" // it may name a user
		err = anonymous.JSON(&body)
	}
	if err != nil {
		return fmt.Errorf("webhook %s: %w", w.url.Host, err)
	}
	return w.post(ctx, w.url, "application/json", body.String())
}
