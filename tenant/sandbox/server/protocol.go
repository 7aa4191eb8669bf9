package server

import (
	"bytes"
	"mime"
	"net/http"
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

// parseEndpoint reads the path /adminapi/VERSION/ORGANIZATION/NAME. The
// organization is the tenant's ID or one of its domains: a sandbox has any.
func parseEndpoint(path string) (endpoint, bool) {
	// Microsoft's module writes AdminApi.
	const root = "/adminapi/"
	if len(path) < len(root) || !strings.EqualFold(path[:len(root)], root) {
		return endpoint{}, false
	}
	version, rest, _ := strings.Cut(path[len(root):], "/")
	organization, name, _ := strings.Cut(rest, "/")
	if version != "beta" && version != "v1.0" || !tenant.IsGUID(organization) && !strings.Contains(organization, ".") {
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

// id returns the ID of the organization, or "" if e names it by a domain.
func (e endpoint) id() string {
	if tenant.IsGUID(e.organization) {
		return e.organization
	}
	return ""
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
	in, err := parseInput(body)
	t := h.Get("Content-Type")
	if err != nil && isJSON(t) {
		return tenant.Cmdlet{}, err
	}
	return in.cmdlet(t, h.Get("X-CmdletName"))
}
