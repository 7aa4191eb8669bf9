package roster

import (
	"fmt"
	"io"
)

// Survey reads all rows, counts them, and finds out the verdict of each. It has to be
// called once, unless Open failed.
//
// want returns what a row asks for in a form that can be compared, or why the row
// can't be used. Rows of one user that ask for different things are a conflict. It is
// called only for rows with a valid UPN, more than once for some, also by Readers,
// and has to answer the same each time; the Row is its own only until it returns. If
// it is nil, all rows ask for the same.
//
// A file of which no row can be used is an error, unless Options.Only passed over all
// of them or Options.Nobody says otherwise, as is one that can't be read for certain.
// Every error is an [*Error].
func (r *Roster) Survey(want func(*Row) (string, error)) error {
	r.want = want
	if err := r.survey(); err != nil {
		return err
	}
	r.found.Delimiter = string(rune(r.dialect.delimiter))
	r.found.UPNColumn = r.header[r.upn]
	if r.sheet != nil {
		r.sheet.describe(&r.found)
	}
	nothingToDo := r.options.AllowNoUsers || r.found.Rows == 0 && r.found.PassedOver > 0
	if r.found.Users == 0 && !nothingToDo {
		return r.errorf(0, 0, "%s", r.found.noUsers())
	}
	return nil
}

func (r *Roster) survey() error {
	r.found.Warnings, r.found.Rejections = []string{}, []Rejection{}
	r.found.Disputed = []Disputed{}
	if r.warning != "" {
		r.found.Warnings = append(r.found.Warnings, r.warning)
	}
	var odd oddities
	var users hashes
	digest := newDigest()
	rows := r.rows()
	for {
		err := rows.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		r.found.Rows++
		v, reason, want := rows.judgeAlone()
		digest.add(rows, v, reason+want)
		switch v {
		case Usable:
			r.found.Users++
			r.marks.add(plain)
			users.add(r.hash(rows.lower()))
		case Example:
			r.found.Examples++
			r.marks.add(unusable)
		default:
			r.found.Rejected++
			r.marks.add(unusable)
			r.found.reject(rows, reason)
		}
		odd.note(rows, v)
	}
	r.found.PassedOverBy = rows.passedOver
	for _, n := range rows.passedOver {
		r.found.PassedOver += n
	}
	r.digest = digest.sum()
	r.found.Warnings = append(r.found.Warnings, odd.warnings()...)

	if repeated := users.repeated(); len(repeated) > 0 {
		return r.compareRepeated(repeated)
	}
	return nil
}

// reject adds the row read last to the first rejections.
func (d *Description) reject(rows *rows, reason string) {
	if len(d.Rejections) < mostRejections {
		upn := string(rows.data[rows.upn.start:rows.upn.end])
		d.Rejections = append(d.Rejections, Rejection{rows.start, short(upn, 200), reason})
	}
}

// oddities are counts of rows that can be used, but that may be a sign of a wrong file or a
// wrong delimiter. Each has the line of the first such row.
type oddities struct{ short, long, guest, deleted oddity }

type oddity struct{ rows, line int }

func (o *oddity) note(line int) {
	if o.rows++; o.rows == 1 {
		o.line = line
	}
}

// note counts the oddities of the row read last.
func (o *oddities) note(rows *rows, v Verdict) {
	n := len(rows.roster.header)
	switch {
	case len(rows.cells) < n:
		o.short.note(rows.start)
	case len(rows.cells) > n:
		for _, c := range rows.cells[n:] {
			if c = trimSpan(rows.data, c); c.start < c.end {
				o.long.note(rows.start)
				break
			}
		}
	}
	if v != Usable {
		return
	}
	upn := rows.data[rows.upn.start:rows.upn.end]
	if isLong(upn) {
		o.guest.note(rows.start)
	}
	if isDeleted(upn) {
		o.deleted.note(rows.start)
	}
}

func (o *oddities) warnings() []string {
	warnings := []string{}
	add := func(o oddity, one, many string) {
		switch {
		case o.rows == 1:
			warnings = append(warnings, fmt.Sprintf("line %d: 1 row %s", o.line, one))
		case o.rows > 1:
			warnings = append(warnings, fmt.Sprintf("line %d and others: %d rows %s", o.line, o.rows, many))
		}
	}
	add(o.short, "has fewer cells than the header", "have fewer cells than the header")
	add(o.long, "has more cells than the header: the extra cells are left out", "have more cells than the header: the extra cells are left out")
	add(o.guest, "has a guest's UPN that is longer than Entra ID documents", "have guests' UPNs that are longer than Entra ID documents")
	add(o.deleted, "has a UPN that begins with an object ID, as those of deleted users do", "have UPNs that begin with an object ID, as those of deleted users do")
	return warnings
}

// A mark is what the survey knows of a row.
type mark = byte

const (
	plain    mark = iota // usable, whatever other rows there are
	several              // its user may have several rows: see Roster.shared
	unusable             // it can't be used; judgeAlone has the reason
)

// marks has the marks of all rows in order, four in a byte.
type marks struct {
	bytes []byte
	n     int
}

// add adds the mark of the next row.
func (m *marks) add(k mark) {
	if m.n%4 == 0 {
		m.bytes = append(m.bytes, 0)
	}
	m.n++
	m.set(m.n-1, k)
}

// set replaces the mark of row i, which was plain.
func (m *marks) set(i int, k mark) { m.bytes[i/4] |= k << (i % 4 * 2) }

func (m *marks) get(i int) mark { return m.bytes[i/4] >> (i % 4 * 2) & 3 }
