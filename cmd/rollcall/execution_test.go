package main

import (
	"context"
	"errors"
	"testing"

	"rollcall/pipeline/results"
	"rollcall/tenant"
	"rollcall/tenant/connect"
)

// A spy is a tenant that counts what it is asked to write.
type spy struct{ writes int }

func (s *spy) Run(_ context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	if !c.Reads() {
		s.writes++
	}
	return nil, nil
}

// What an audit holds of a tenant can't write, whatever the run may try.
func TestAuditHoldsAReadOnlyTenant(t *testing.T) {
	for _, audit := range []bool{true, false} {
		s := new(spy)
		j := &job{audit: audit}
		j.guard.maxErrors = "50%"
		x := &execution{job: j, conn: &connect.Tenant{Runner: s}, out: &output{from: &results.Resumption{}}, interrupts: &interrupts{}}
		run, err := x.run()
		if err != nil {
			t.Fatal(err)
		}
		_, err = run.Tenant.Run(t.Context(), tenant.Cmdlet{Name: "Set-Mailbox", Identity: "ada@contoso.com"})
		if refused := errors.Is(err, tenant.ErrReadOnly); refused != audit || s.writes == 1 == audit {
			t.Errorf("audit %t: refused %t, %d writes", audit, refused, s.writes)
		}
	}
}

// Only a yes is a yes: an empty line and the end of the input are not.
func TestIsYes(t *testing.T) {
	for answer, want := range map[string]bool{
		"y\n": true, "Y\r\n": true, "yes\n": true, " Yes": true,
		"": false, "\n": false, "n\n": false, "no\n": false, "yep\n": false, "y n\n": false, "\x04": false,
	} {
		if got := isYes(answer); got != want {
			t.Errorf("isYes(%q) = %t", answer, got)
		}
	}
}
