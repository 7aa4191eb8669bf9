package sandbox

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"rollcall/tenant"
)

// The classes of the exceptions that a Tenant fails with.
const (
	commandNotFound  = "System.Management.Automation.CommandNotFoundException"
	binding          = "System.Management.Automation.ParameterBindingException"
	validation       = "System.Management.Automation.ParameterBindingValidationException"
	transformation   = "System.Management.Automation.ParameterBindingArgumentTransformationException"
	invalidArgument  = "System.ArgumentException"
	invalidOperation = "Microsoft.Exchange.Configuration.Tasks.InvalidOperationInTenantException"
	objectNotFound   = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
)

// refuse returns the error of a cmdlet that is refused for good.
func refuse(exception, text string) *tenant.Error {
	return &tenant.Error{Class: tenant.Failed, Exception: exception, Err: errors.New(text)}
}

func notFound(name string) *tenant.Error {
	return &tenant.Error{Class: tenant.NotFound, Exception: objectNotFound,
		Err: errors.New("The operation couldn't be performed because object '" + name + "' couldn't be found on 'sandbox'.")}
}

func unknownParameter(name string) *tenant.Error {
	return refuse(binding, "A parameter cannot be found that matches parameter name '"+name+"'.")
}

func missing(name string) *tenant.Error {
	return refuse(binding, "Cannot process command because of one or more missing mandatory parameters: "+name+".")
}

func notInSet(name string, v any, choices []string) *tenant.Error {
	return refuse(validation, "Cannot validate argument on parameter '"+name+"'. The argument \""+tenant.Text(v)+
		"\" does not belong to the set \""+strings.Join(choices, ",")+
		"\" specified by the ValidateSet attribute. Supply an argument that is in the set and then try the command again.")
}

func notBool(name string, v any) *tenant.Error {
	return refuse(transformation, "Cannot process argument transformation on parameter '"+name+"'. Cannot convert value \""+tenant.Text(v)+
		"\" to type \"System.Boolean\". Boolean parameters accept only Boolean values and numbers, such as $True, $False, 1 or 0 instead.")
}

func cannotConvert(name string, v any, class string) *tenant.Error {
	return refuse(transformation, "Cannot process argument transformation on parameter '"+name+"'. Cannot convert value \""+tenant.Text(v)+"\" to type \""+class+"\".")
}

// A slot is where the value of a parameter goes.
type slot struct {
	name  string
	value *any
}

// bind puts the values of ps into slots. A parameter that has none, or has no
// value, or is given twice, is an error, unless it is one that every cmdlet has.
func bind(ps []tenant.Parameter, slots ...slot) error {
parameters:
	for _, p := range ps {
		for _, s := range slots {
			if !strings.EqualFold(p.Name, s.name) {
				continue
			}
			if p.Value == nil {
				return refuse(validation, "Cannot bind argument to parameter '"+s.name+"' because it is null.")
			}
			if *s.value != nil {
				return givenTwice(s.name)
			}
			*s.value = p.Value
			continue parameters
		}
		if !isCommon(p.Name) {
			return unknownParameter(p.Name)
		}
	}
	return nil
}

func givenTwice(name string) *tenant.Error {
	return refuse(binding, "Cannot bind parameter because parameter '"+name+"' is specified more than once.")
}

// isCommon reports whether name is a parameter that every cmdlet has. None of
// them bears on what a Tenant does.
func isCommon(name string) bool {
	switch strings.ToLower(name) {
	case "confirm", "force", "verbose", "debug", "resultsize",
		"erroraction", "warningaction", "informationaction", "progressaction":
		return true
	}
	return false
}

// choice returns the index in choices of the one that v is, in whatever case
// and with or without hyphens, or -1.
func choice(v any, choices []string) int {
	text, ok := v.(string)
	if !ok {
		return -1
	}
	if i := slices.Index(choices, text); i >= 0 {
		return i
	}
	return slices.IndexFunc(choices, func(c string) bool {
		return strings.EqualFold(text, c) || strings.EqualFold(text, strings.ReplaceAll(c, "-", ""))
	})
}

// parseBool reads v, the value of the parameter called name, as PowerShell does.
func parseBool(name string, v any) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case json.Number:
		f, err := v.Float64()
		if err == nil {
			return f != 0, nil
		}
	case string:
		if b, ok := tenant.ParseBool(v); ok {
			return b, nil
		}
	}
	return false, notBool(name, v)
}
