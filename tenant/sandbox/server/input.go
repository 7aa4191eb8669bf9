package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"rollcall/tenant"
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

func (in *input) sort() {
	slices.SortFunc(in.parameters, func(a, b tenant.Parameter) int { return strings.Compare(a.Name, b.Name) })
}
