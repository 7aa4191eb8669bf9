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

// webhookForms are what --webhook can post, the default first.
var webhookForms = []string{"teams", "slack", "json"}

// A webhook is told once, when a run is over, what came of it: by a message to people
// or as JSON.
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

// tell posts an outcome. It names no user of the roster.
func (w *webhook) tell(ctx context.Context, o *results.Outcome) error {
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
		anonymous.Reason = "" // which may name one
		err = anonymous.JSON(&body)
	}
	if err != nil {
		return fmt.Errorf("webhook %s: %w", w.url.Host, err)
	}
	return w.post(ctx, w.url, "application/json", body.String())
}
