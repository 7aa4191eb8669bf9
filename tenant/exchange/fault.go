package exchange

import (
	"fmt"

	"rollcall/tenant"
)

// fault returns the error of a reply whose status says that there is one.
func (r *reply) fault() *tenant.Error {
	m := readMessage(r.Body)
	m.Cmdlet = r.cmdlet
	return r.Fault(m)
}

// faultInside returns the error of a reply that has errs in spite of its
// status. They are strings, or objects with the members that an error has. The
// first one counts.
func (r *reply) faultInside(errs []any) *tenant.Error {
	m := findMessage(errs[0])
	if m.Text == "" {
		m.Text = tenant.Text(errs[0])
		m.Whole = m.Text
	}
	m.Cmdlet = r.cmdlet
	e := r.Fault(m)
	if n := len(errs) - 1; n > 0 {
		e.Err = fmt.Errorf("%w (and %d more)", e.Err, n)
	}
	return e
}

// garbled returns the error of a reply that ought to be JSON and is not.
func (r *reply) garbled() *tenant.Error { return r.Garbled(readMessage(r.Body)) }
