package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"rollcall/tenant/jsonscan"
)

// maxParts is how many requests a batch may have.
const maxParts = 10

// A part is a request in a batch.
type part struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`

	// Instead of Headers and Body, in a part that was scanned.
	authorization, contentType, cmdletName string
	input                                  input

	turn    turn
	refusal *reply // if it gets no turn, or nil
}

// header returns where p has the header called name, in whatever case, if that
// is one that matters.
func (p *part) header(name string) *string {
	switch {
	case strings.EqualFold(name, "Authorization"):
		return &p.authorization
	case strings.EqualFold(name, "Content-Type"):
		return &p.contentType
	case strings.EqualFold(name, "X-CmdletName"):
		return &p.cmdletName
	}
	return nil
}

// parseBatch reads the body of a batch. Its error is for the client. What is
// wrong with a part alone is not looked into.
func parseBatch(contentType string, body []byte) ([]part, error) {
	if !isJSON(contentType) {
		return nil, fmt.Errorf("Content-Type %q: want application/json", contentType)
	}
	parts, ok := scanParts(body)
	if !ok {
		var batch struct {
			Requests []part `json:"requests"`
		}
		d := json.NewDecoder(bytes.NewReader(body))
		if err := d.Decode(&batch); err != nil {
			return nil, errors.New("body: want requests in JSON")
		}
		if _, err := d.Token(); err != io.EOF {
			return nil, errors.New("body: more after the requests")
		}
		parts = batch.Requests
	}
	if n := len(parts); n < 1 || n > maxParts {
		return nil, fmt.Errorf("batch of %d requests: want 1 to %d", n, maxParts)
	}
	for i, p := range parts {
		if p.ID == "" || slices.ContainsFunc(parts[:i], func(q part) bool { return p.ID == q.ID }) {
			return nil, fmt.Errorf("id %q: want one for each request, and each another", p.ID)
		}
	}
	return parts, nil
}

// scanParts reads the body of a batch that is written as most are, and reports
// whether it is.
func scanParts(body []byte) ([]part, bool) {
	s, w := jsonscan.New(body), new(words)
	s.Open('{')
	var parts []part
	for s.More('}') {
		if string(s.Name()) != "requests" || parts != nil {
			s.Fail()
		}
		parts = make([]part, 0, maxParts)
		for s.Open('['); s.More(']'); {
			parts = append(parts, part{})
			scanPart(s, w, &parts[len(parts)-1])
		}
	}
	return parts, s.Done()
}

func scanPart(s *jsonscan.Scanner, w *words, p *part) {
	for s.Open('{'); s.More('}'); {
		switch string(s.Name()) {
		case "id":
			p.ID = string(s.Text())
		case "method":
			p.Method = w.of(s.Text())
		case "url":
			p.URL = w.of(s.Text())
		case "headers":
			for s.Open('{'); s.More('}'); {
				h, text := p.header(string(s.Name())), s.Text()
				if h == nil {
					continue
				}
				if *h != "" || len(text) == 0 { // the last one counts
					s.Fail()
				}
				*h = w.of(text)
			}
		case "body":
			p.input = scanInput(s, w)
		default:
			s.Fail()
		}
	}
}
