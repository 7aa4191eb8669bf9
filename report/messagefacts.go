package report

import (
	"cmp"
	"regexp"
	"strings"

	"rollcall/pipeline/results"
)

// mostFact is how many characters a fact of a message has, at most.
const mostFact = 500

// messageFacts say of which run a message is: on which tenant, of which change, where
// and why, and what stopped it. They name no user of the roster.
func messageFacts(o *results.Outcome) []cardFact {
	var facts []cardFact
	add := func(name, text string) {
		if runes := []rune(text); len(runes) > mostFact {
			text = string(runes[:mostFact]) + "…"
		}
		if text != "" {
			facts = append(facts, cardFact{name, shown(text)})
		}
	}
	tenant := cmp.Or(o.Manifest.Tenant, o.Tenant)
	if o.Sandbox {
		tenant = "sandbox: nothing in Microsoft 365 was touched"
	}
	add("tenant", tenant)
	run := o.Command
	switch {
	case run == "audit":
		run = "audit, which only reads"
	case o.Manifest.ReadFirst:
		run += ", which read first"
	}
	add("run", run)
	change := o.Noun
	if o.Change != "" {
		change = o.Change + " of " + o.Noun
	}
	add("change", change)
	add("note", o.Note)
	add("host", o.Host)
	add("why", o.Cause)
	return facts
}

// toAll are the words that call everybody of a channel, in Slack and those after its
// example.
var toAll = regexp.MustCompile(`(?i)@(channel|here|all|everyone)\b`)

// slackText returns text as Slack shows it to the letter: it can be no link, and calls
// nobody.
func slackText(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	return toAll.ReplaceAllString(text, "@\u200b$1")
}

var (
	teamsMarks = regexp.MustCompile("[\\\\`*_~\\[\\]<>]")
	teamsLists = regexp.MustCompile(`^(\s*)([-+#]|\d+[.)])`)
)

// teamsText returns text as the Markdown of a card shows it to the letter.
func teamsText(text string) string {
	text = teamsMarks.ReplaceAllString(text, `\$0`)
	return teamsLists.ReplaceAllStringFunc(text, func(mark string) string { return mark[:len(mark)-1] + `\` + mark[len(mark)-1:] })
}
