package fleet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"rollcall/tenant/disk"
)

// tenantsFrom reads the tenants from a CSV file, whose columns are Name, Profile,
// Roster and the long names of flags. An empty cell says nothing.
func (p *parser) tenantsFrom(n *yaml.Node) {
	var name string
	p.text(&name)(n)
	if name == "" {
		p.fault(p.at(n), errors.New("tenants-from: want the name of a CSV file"))
		return
	}
	name = p.file.path(name)
	text, err := p.read(name)
	if err != nil {
		p.fault(p.at(n), fmt.Errorf("tenants-from %s: %w", name, disk.Cause(err)))
		return
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	header, err := in.Read()
	if err != nil {
		if err == io.EOF {
			err = errors.New("it is empty")
		}
		p.fault(name, err)
		return
	}
	columns := p.tenantColumns(name, header)
	for {
		record, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil { // which says in which line
			p.fault(name, err)
			if !errors.Is(err, csv.ErrFieldCount) {
				break
			}
			continue
		}
		line, _ := in.FieldPos(0)
		t := Tenant{At: fmt.Sprintf("%s: line %d", name, line)}
		for i, cell := range record {
			if cell = strings.TrimSpace(cell); cell != "" {
				p.tenantCell(&t, columns[i], cell)
			}
		}
		p.checkTenant(&t)
		p.file.Tenants = append(p.file.Tenants, t)
	}
	if len(p.file.Tenants) == 0 {
		p.fault(name, errors.New("no tenants: there is only a header"))
	}
}

// tenantColumns returns the header of a file of tenants as tenantCell knows it.
func (p *parser) tenantColumns(name string, header []string) []string {
	columns := make([]string, len(header))
	has := make(map[string]bool)
	for i, h := range header {
		h = strings.ToLower(strings.TrimSpace(h))
		switch {
		case h == "":
			p.fault(name+": line 1", fmt.Errorf("column %d has no name", i+1))
		case has[h]:
			p.fault(name+": line 1", fmt.Errorf("column %s is there twice", h))
		case isCredential(h):
			p.fault(name+": line 1", fmt.Errorf("column %s: %w", h, errCredential))
		default:
			columns[i] = h
		}
		has[h] = true
	}
	for _, h := range []string{"name", "roster"} {
		if !has[h] {
			p.fault(name+": line 1", fmt.Errorf("no column %s: want Name, Roster and, if need be, Profile and names of flags", strings.ToUpper(h[:1])+h[1:]))
		}
	}
	return columns
}

// tenantCell takes a cell of the column called name, which may be "" for one that is
// refused already.
func (p *parser) tenantCell(t *Tenant, name, cell string) {
	switch name {
	case "":
	case "name":
		t.Name = cell
	case "profile":
		t.Profile = cell
	case "roster":
		t.Roster = cell
	default:
		flag := Flag{Name: name, Values: []string{cell}, At: t.At}
		if p.mayStand(flag) {
			t.Flags = append(t.Flags, flag)
		}
	}
}
