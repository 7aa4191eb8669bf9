package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"

	"rollcall/tenant"
)

// maxBody is how long the body of a request may be. A cmdlet for one user
// takes some hundred bytes.
const maxBody = 1 << 20

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// An endpoint is where requests are sent to.
type endpoint struct{ version, organization, name string }

// The names of endpoints.
const (
	invokeCommand = "InvokeCommand"
	batchOf       = "$batch"
	moduleFile    = "EXOModuleFile"
)

// parseEndpoint reads the path /adminapi/VERSION/ORGANIZATION/NAME.
func parseEndpoint(path string) (endpoint, bool) {
	rest, ok := strings.CutPrefix(path, "/adminapi/")
	version, rest, _ := strings.Cut(rest, "/")
	organization, name, _ := strings.Cut(rest, "/")
	if !ok || version != "beta" && version != "v1.0" || !isGUID(organization) {
		return endpoint{}, false
	}
	switch name {
	case invokeCommand, moduleFile:
	case batchOf:
		if version != "beta" {
			return endpoint{}, false
		}
	default:
		return endpoint{}, false
	}
	return endpoint{version, organization, name}, true
}

// method returns the one that requests to e have.
func (e endpoint) method() string {
	if e.name == moduleFile {
		return http.MethodGet
	}
	return http.MethodPost
}

func (e endpoint) path() string {
	return "/adminapi/" + e.version + "/" + e.organization + "/" + e.name
}

// isJSON reports whether contentType is JSON's, whatever its parameters.
func isJSON(contentType string) bool {
	if contentType == "application/json" || contentType == "application/json; charset=utf-8" {
		return true // as nearly all are
	}
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && t == "application/json"
}

// parseRequest reads the cmdlet that a request is to run. Its error is for the
// client.
func parseRequest(h http.Header, body []byte) (tenant.Cmdlet, error) {
	if t := h.Get("Content-Type"); !isJSON(t) {
		return tenant.Cmdlet{}, fmt.Errorf("Content-Type %q: want application/json", t)
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
		return tenant.Cmdlet{}, errors.New("body: want a CmdletInput in JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return tenant.Cmdlet{}, errors.New("body: more after the CmdletInput")
	}
	in := &envelope.CmdletInput
	if name := h.Get("X-CmdletName"); name != "" && name != in.CmdletName {
		return tenant.Cmdlet{}, fmt.Errorf("X-CmdletName %q: the CmdletName is %q", name, in.CmdletName)
	}
	c := tenant.Cmdlet{Name: in.CmdletName}
	names := slices.Collect(maps.Keys(in.Parameters))
	slices.Sort(names) // so that one mistake among several is always the one that is told
	for _, name := range names {
		value := in.Parameters[name]
		switch {
		case strings.EqualFold(name, "Identity"):
			text, ok := value.(string)
			if !ok || c.Identity != "" {
				return tenant.Cmdlet{}, errors.New("parameter Identity: want one string")
			}
			c.Identity = text
		case strings.Contains(name, "@"): // an annotation of another one
		default:
			c.Parameters = append(c.Parameters, tenant.Parameter{Name: name, Value: value})
		}
	}
	if err := c.Check(); err != nil {
		return tenant.Cmdlet{}, err
	}
	return c, nil
}
