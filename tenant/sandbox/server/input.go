package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/jsonscan"
	"rollcall/tenant/sandbox"
)

// An input is a CmdletInput. The parameters are in the order of their names, so
// that one mistake among several is always the one that is told. An Identity is
// among them, unless the input was scanned.
type input tenant.Cmdlet

// parseInput reads the body of a request. Its error is for the client.
func parseInput(body []byte) (input, error) {
	s := jsonscan.New(body)
	if in := scanInput(s, new(words)); s.Done() {
		return in, nil
	}
	var envelope struct {
		CmdletInput struct {
			CmdletName string
			Parameters map[string]any
		}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&envelope); err != nil {
		return input{}, errors.New("body: want a CmdletInput in JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return input{}, errors.New("body: more after the CmdletInput")
	}
	in := input{Name: envelope.CmdletInput.CmdletName}
	for name, value := range envelope.CmdletInput.Parameters {
		in.Parameters = append(in.Parameters, tenant.Parameter{Name: name, Value: sandbox.ParameterValue(value)})
	}
	in.sort()
	return in, nil
}

// scanInput reads a body that is written as most are: the name, then parameters
// that are texts, true or false, one of them the Identity. Of any other s fails.
func scanInput(s *jsonscan.Scanner, w *words) input {
	var in input
	s.Open('{')
	s.Expect("CmdletInput")
	s.Open('{')
	s.Expect("CmdletName")
	in.Name = w.of(s.Text())
	s.Expect("Parameters")
	for s.Open('{'); s.More('}'); {
		p := tenant.Parameter{Name: w.of(s.Name())}
		switch {
		case p.Name == "Identity" && in.Identity == "":
			in.Identity = string(s.Text())
			continue
		case s.Is('"'):
			p.Value = string(s.Text())
		default:
			p.Value = s.Bool()
		}
		in.Parameters = append(in.Parameters, p)
	}
	s.Close('}')
	s.Close('}')
	in.sort()
	for i, p := range in.Parameters {
		if strings.EqualFold(p.Name, "Identity") || i > 0 && in.Parameters[i-1].Name == p.Name { // the last one counts
			s.Fail()
		}
	}
	if in.Identity == "" {
		s.Fail()
	}
	return in
}

func (in *input) sort() {
	slices.SortFunc(in.Parameters, func(a, b tenant.Parameter) int { return strings.Compare(a.Name, b.Name) })
}

// cmdlet returns the cmdlet of in, which came with a content type and, unless it
// is "", a name. Its error is for the client.
func (in input) cmdlet(contentType, name string) (tenant.Cmdlet, error) {
	if !isJSON(contentType) {
		return tenant.Cmdlet{}, fmt.Errorf("Content-Type %q: want application/json", contentType)
	}
	if name != "" && name != in.Name {
		return tenant.Cmdlet{}, fmt.Errorf("X-CmdletName %q: the CmdletName is %q", name, in.Name)
	}
	c := tenant.Cmdlet(in)
	c.Parameters = in.Parameters[:0]
	for _, p := range in.Parameters {
		switch {
		case strings.EqualFold(p.Name, "Identity"):
			text, ok := p.Value.(string)
			if !ok || c.Identity != "" {
				return tenant.Cmdlet{}, errors.New("parameter Identity: want one string")
			}
			c.Identity = text
		case strings.Contains(p.Name, "@"): // an annotation of another one
		default:
			c.Parameters = append(c.Parameters, p)
		}
	}
	return c, c.Check()
}

// words are strings that were read: one that is read again takes no more memory.
type words struct {
	kept [16]string // a batch of the usual kind has fewer
	n    int
}

// of returns text as a string. It keeps that if there is room.
func (w *words) of(text []byte) string {
	for _, word := range w.kept[:w.n] {
		if word == string(text) {
			return word
		}
	}
	word := string(text)
	if w.n < len(w.kept) {
		w.kept[w.n] = word
		w.n++
	}
	return word
}
