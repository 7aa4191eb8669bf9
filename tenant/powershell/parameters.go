package powershell

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/tenant"
)

// commonParameters are those that every cmdlet has: they change how it is run, not
// what it sets, and some of them write variables or make a Set change nothing.
var commonParameters = []string{
	"Verbose", "Debug", "ErrorAction", "WarningAction", "InformationAction", "ProgressAction",
	"ErrorVariable", "WarningVariable", "InformationVariable", "OutVariable", "OutBuffer", "PipelineVariable",
	"WhatIf", "Confirm", "UseTransaction",
	"vb", "db", "ea", "wa", "infa", "proga", "ev", "wv", "iv", "ov", "ob", "pv", "wi", "cf", "usetx", // their other names
}

// parameters returns those of c, the identity first.
func parameters(c tenant.Cmdlet) ([]parameter, error) {
	list := make([]parameter, 1, 1+len(c.Parameters))
	list[0] = parameter{Name: "Identity", Type: "string", Value: text(c.Identity)}
	for _, p := range c.Parameters {
		if !tenant.IsNoun(p.Name) || strings.EqualFold(p.Name, "Identity") {
			return nil, fmt.Errorf("%s: parameter %q: not one to set", c.Name, p.Name)
		}
		for _, name := range commonParameters {
			// PowerShell takes the beginning of a name for the name.
			if len(p.Name) <= len(name) && strings.EqualFold(p.Name, name[:len(p.Name)]) {
				return nil, fmt.Errorf("%s: parameter %q: it is %s, which all cmdlets have: not one to set", c.Name, p.Name, name)
			}
		}
		to := parameter{Name: text(p.Name)}
		switch v := p.Value.(type) {
		case nil:
			to.Type = "null"
		case bool:
			to.Type, to.Value = "bool", text(tenant.Text(v))
		case json.Number:
			to.Type, to.Value = "number", text(v)
		case string:
			to.Type, to.Value = "string", text(v)
		case []string:
			to.Type, to.Values = "list", texts(v)
		case tenant.Edit:
			to.Type, to.Values, to.Remove = "edit", texts(v.Add), texts(v.Remove)
		default:
			return nil, fmt.Errorf("%s: parameter %s: a %T can't be sent", c.Name, p.Name, p.Value)
		}
		list = append(list, to)
	}
	for _, p := range list {
		for _, value := range slices.Concat([]text{p.Value}, p.Values, p.Remove) {
			if !utf8.ValidString(string(value)) {
				return nil, fmt.Errorf("%s: parameter %s: %q is not UTF-8", c.Name, p.Name, string(value))
			}
		}
	}
	return list, nil
}

func texts(list []string) []text {
	var all []text
	for _, s := range list {
		all = append(all, text(s))
	}
	return all
}
