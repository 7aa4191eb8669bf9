package html

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
)

// hostilePage has what is hostile wherever something from outside can be.
func hostilePage() *Page {
	long := strings.Repeat(`<b onclick="alert(1)">`, 15000) // some 300 kB
	cells := append([]string{long}, hostileToBrowsers...)
	f := results.Format{Properties: []string{"PrivacyMode", hostileToBrowsers[0]}, Header: append([]string{"UPN"}, cells...)}
	t := NewTally(f)
	for i, cell := range cells {
		for range 2 { // so that there are groups
			res := pipeline.Result{Status: pipeline.Status(i % len(pipeline.Statuses)), Err: errors.New(cell), Attempts: 1}
			res.Row = roster.Row{Line: i, UPN: cell, Cells: []string{cell}}
			for range cells {
				res.Row.Cells = append(res.Row.Cells, cell)
			}
			v := pipeline.Value{Wanted: cell, Before: cell + "1", After: cell + "2"}
			res.Values = []pipeline.Value{v, v}
			t.Record(&res)
		}
	}
	x := hostileToBrowsers[3]
	return &Page{Kind: "audit", Change: x, Noun: x, Tenant: x, Roster: x, Results: x, Source: x, Stopped: x, Version: x,
		By: x, Caller: x, Note: x, CommandLine: x, Program: x, RosterSHA256: x, ResultsSHA256: x, Commands: []Command{{x, x}, {"run", "rollcall evil\u202egpj.exe"}}, Counts: pipeline.Counts{Total: 1000}, Tally: t}
}

// Whatever is in a roster or said by a tenant, the file has the elements and the
// attributes of the template and no others.
func TestNothingHostileBecomesMarkup(t *testing.T) {
	text := written(t, hostilePage())
	if len(text) > 1<<20 {
		t.Errorf("the report has %d bytes", len(text))
	}
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	// What a page of harmless rows has.
	elements, attributes := vocabulary(t, written(t, sample(50, "apply"))+written(t, sample(50, "audit")))
	attributes = append(attributes, "hidden")
	scripts := 0
	var seen strings.Builder
	for n := range doc.Descendants() {
		switch n.Type {
		case html.ElementNode:
			if !slices.Contains(elements, n.Data) {
				t.Errorf("element <%s>", n.Data)
			}
			for _, a := range n.Attr {
				if !slices.Contains(attributes, a.Key) {
					t.Errorf("attribute %s of <%s>", a.Key, n.Data)
				}
				if a.Key == "href" && a.Val != "#rows" || a.Key == "src" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
				}
			}
			if n.Data == "script" || n.Data == "style" {
				scripts++
				if got := n.FirstChild.Data; got != pageScript && got != pageStyle {
					t.Errorf("<%s> is not ours", n.Data)
				}
			}
		case html.CommentNode:
			t.Errorf("comment %q", n.Data)
		case html.TextNode:
			seen.WriteString(n.Data + "\n")
			if strings.ContainsAny(n.Data, "\u202e\u200b\ufeff\x00\x07\x1b\u2028") {
				t.Errorf("what can't be seen in %q", n.Data)
			}
		}
	}
	if scripts != 2 {
		t.Errorf("%d scripts and style sheets", scripts)
	}
	// It is all there to be read.
	for _, want := range []string{"<script>alert(1)</script>", "javascript:alert(6)", "evil⟨U+202E⟩gpj.exe", "zero⟨U+200B⟩width", "nul␀bell␇esc␛[2J", "bad\ufffd\ufffdutf8"} {
		if !strings.Contains(seen.String(), want) {
			t.Errorf("the report has no %q", want)
		}
	}
}

func vocabulary(t *testing.T, text string) (elements, attributes []string) {
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			elements = append(elements, n.Data)
			for _, a := range n.Attr {
				attributes = append(attributes, a.Key)
			}
		}
	}
	return elements, attributes
}

// What a screen reader goes by: one heading above the others, a name for each
// region and table, a scope for each heading cell.
func TestPageIsAccessible(t *testing.T) {
	for _, kind := range []string{"apply", "audit"} {
		p := sample(50, kind)
		p.Stopped = "30 of 50 rows failed"
		doc, err := html.Parse(strings.NewReader(written(t, p)))
		if err != nil {
			t.Fatal(err)
		}
		ids := make(map[string]int)
		count := make(map[string]int)
		var refs []string
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			count[n.Data]++
			attr := make(map[string]string)
			for _, a := range n.Attr {
				attr[a.Key] = a.Val
			}
			if id, ok := attr["id"]; ok {
				ids[id]++
			}
			if ref := attr["aria-labelledby"]; ref != "" {
				refs = append(refs, ref)
			}
			switch {
			case n.Data == "section" && attr["aria-labelledby"] == "",
				n.Data == "th" && attr["scope"] == "",
				n.Data == "svg" && attr["aria-hidden"] == "" && (attr["role"] != "img" || attr["aria-label"] == ""),
				attr["role"] == "region" && (attr["aria-label"] == "" || attr["tabindex"] != "0"):
				t.Errorf("%s: <%s %v> has no name, or no scope", kind, n.Data, n.Attr)
			}
			if _, ok := attr["style"]; ok {
				t.Errorf("%s: a style attribute, which the policy forbids", kind)
			}
		}
		if count["h1"] != 1 || count["main"] != 1 || count["header"] != 1 || count["footer"] != 1 || count["title"] != 1 {
			t.Errorf("%s: %v", kind, count)
		}
		if count["table"] == 0 || count["caption"] != count["table"] {
			t.Errorf("%s: %d tables have %d captions", kind, count["table"], count["caption"])
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("%s: id %s is there %d times", kind, id, n)
			}
		}
		for _, ref := range refs {
			if ids[ref] == 0 {
				t.Errorf("%s: nothing has the id %s", kind, ref)
			}
		}
	}
}
