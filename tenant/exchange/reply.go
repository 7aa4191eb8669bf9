package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// maxPage is how much is read of a reply that has objects.
const maxPage = 16 << 20

// A reply is what came back to a call: a reply of its own, or a part of a
// batch's. Success is judged by the status, which is all there is to go by: a
// Set often writes nothing, and then the body may be missing (seen in several
// public clients).
type reply struct {
	*rest.Reply
	cmdlet  tenant.Cmdlet // that it is the reply to, once it is read
	unheard bool          // nobody wants to know its warnings
	start   *property     // before the first one of its objects
	free    func()        // of a part: tells the batch, which has the buffer, or nil
}

// release gives up the body. That of a part is the batch's, until all parts have
// given up theirs.
func (r *reply) release() {
	if r.free != nil {
		r.free()
		r.free = nil
	}
	r.Release()
}

// A page is what a request that succeeded brings.
type page struct {
	objects  []tenant.Object
	warnings []string
	next     string   // the link to the next page, or ""
	url      *url.URL // the same, found good
}

// A document is the body of such a reply. What is any has no form that all
// clients agree on.
type document struct {
	Value    any    `json:"value"`
	Warnings any    `json:"@adminapi.warnings"`
	Errors   any    `json:"@adminapi.errors"`
	Error    any    `json:"error"`
	Next     string `json:"@odata.nextLink"`
	BareNext string `json:"odata.nextLink"` // one client looks for it too
}

// page returns what r brings, or a [*tenant.Error] that says what went wrong.
// It may have warnings in both cases.
func (r *reply) page() (page, error) {
	switch {
	case !r.Succeeded():
		return page{}, r.fault()
	case r.Cut != nil:
		return page{}, r.Torn()
	case r.Large:
		// The same call is answered at the same length again.
		return page{}, &tenant.Error{Status: r.Status, Class: tenant.Failed, Err: fmt.Errorf("the reply has more than %d MiB", maxPage>>20)}
	case len(r.Body) == 0:
		return page{}, nil
	}
	if p, ok := r.scanPage(); ok {
		return p, nil
	}
	return r.decodePage()
}

// decodePage is page for a body of any form.
func (r *reply) decodePage() (page, error) {
	var d document
	dec := json.NewDecoder(bytes.NewReader(r.Body))
	dec.UseNumber()
	err := dec.Decode(&d)
	if err == nil && len(bytes.TrimSpace(r.Body[dec.InputOffset():])) != 0 {
		err = errors.New("more after the end")
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return page{}, r.Strange("the reply is JSON of another form than expected")
	}
	if err != nil {
		return page{}, r.garbled()
	}

	p := page{next: d.Next}
	if p.next == "" {
		p.next = d.BareNext
	}
	for _, w := range list(d.Warnings) {
		p.warnings = r.appendWarning(p.warnings, w)
	}
	if errs := append(list(d.Error), list(d.Errors)...); len(errs) > 0 {
		return p, r.faultInside(errs)
	}
	p.objects, err = r.objects(d.Value)
	return p, err
}

// appendWarning appends the text of w, if it has one and somebody wants to know it: a text
// costs more than the rest of its reply.
func (r *reply) appendWarning(warnings []string, w any) []string {
	if r.unheard {
		return warnings
	}
	if text := tenant.Clean(findMessage(w).Text, r.Token); text != "" {
		warnings = append(warnings, text)
	}
	return warnings
}

// objects returns the objects of v without the annotations: properties with an
// '@' in the name, which tell the types of others. Values are left as they
// are, for the keys of a table may be addresses.
func (r *reply) objects(v any) ([]tenant.Object, error) {
	if v == nil {
		return nil, nil
	}
	values, ok := v.([]any)
	if !ok {
		return nil, r.Strange("the reply's value is not a list of objects")
	}
	objects := make([]tenant.Object, 0, len(values))
	for _, v := range values {
		if v == nil {
			continue
		}
		o, ok := v.(map[string]any)
		if !ok {
			return nil, r.Strange("the reply's value is not a list of objects")
		}
		for k := range o {
			if strings.Contains(k, "@") {
				delete(o, k)
			}
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// list returns the elements of v, or v itself if it is not a list, without
// those that say nothing.
func list(v any) []any {
	l, ok := v.([]any)
	switch {
	case v == nil:
		return nil
	case !ok:
		l = []any{v}
	}
	return slices.DeleteFunc(l, func(v any) bool { return v == nil || v == "" })
}
