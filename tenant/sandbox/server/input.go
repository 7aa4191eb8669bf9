package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/jsonscan"
	"rollcall/tenant/sandbox"
)

// An input is a CmdletInput. The parameters are in the order of their names, so
// that one mistake among several is always the one that is told.
type input struct {
	name       string
	parameters []tenant.Parameter
}

// parseInput reads the body of a request. Its error is for the client.
func parseInput(body []byte) (*input, error) {
	s := jsonscan.New(body)
	if in := scanInput(s); s.Done() {
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
		return nil, errors.New("body: want a CmdletInput in JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("body: more after the CmdletInput")
	}
	in := &input{name: envelope.CmdletInput.CmdletName}
	for name, value := range envelope.CmdletInput.Parameters {
		in.parameters = append(in.parameters, tenant.Parameter{Name: name, Value: sandbox.ParameterValue(value)})
	}
	in.sort()
	return in, nil
}

// scanInput reads a body that is written as most are: the name, then parameters
// that are texts, true or false. Of any other s fails.
func scanInput(s *jsonscan.Scanner) *input {
	var in input
	s.Open('{')
	s.Expect("CmdletInput")
	s.Open('{')
	s.Expect("CmdletName")
	in.name = string(s.Text())
	s.Expect("Parameters")
	for s.Open('{'); s.More('}'); {
		p := tenant.Parameter{Name: string(s.Name())}
		if s.Is('"') {
			p.Value = string(s.Text())
		} else {
			p.Value = s.Bool()
		}
		in.parameters = append(in.parameters, p)
	}
	s.Close('}')
	s.Close('}')
	in.sort()
	for i, p := range in.parameters {
		if i > 0 && in.parameters[i-1].Name == p.Name { // the last one counts
			s.Fail()
		}
	}
	return &in
}

func (in *input) sort() {
	slices.SortFunc(in.parameters, func(a, b tenant.Parameter) int { return strings.Compare(a.Name, b.Name) })
}
