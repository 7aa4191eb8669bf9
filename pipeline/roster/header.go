package roster

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A header is the record that names the columns, read with one delimiter.
type header struct {
	dialect
	names  []string
	hasUPN bool // a column has the name of a UPN column
}

// better reports whether h is more likely to be right than other.
func (h header) better(other header) bool {
	if h.hasUPN != other.hasUPN {
		return h.hasUPN
	}
	return len(h.names) > len(other.names)
}

// errNoColumn is the error if no column has the name.
var errNoColumn = errors.New("no such column")

// findColumns finds the columns that r needs.
func (r *Roster) findColumns() error {
	upn, err := upnColumn(r.header, r.options.UPNColumn)
	if err != nil {
		if errors.Is(err, errNoColumn) {
			err = r.noUPNColumn()
		}
		return &Error{r.src.name, r.dialect.header, 0, err}
	}
	r.upn = upn

	r.status = -1
	if len(r.options.Only) > 0 {
		if _, err := column(r.header, "Status"); errors.Is(err, errNoColumn) {
			return &OptionHint{r.errorf(r.dialect.header, 0, `not a results file: no column "Status" among %s`, list(r.header)), "only", ""}
		}
		if r.status, err = r.Column("Status"); err != nil {
			return err
		}
	}

	r.example = []int{upn}
	for i, name := range r.header {
		if i != upn && (i == 0 || strings.Contains(strings.ToLower(name), "[displayname]")) {
			r.example = append(r.example, i)
		}
	}
	return nil
}

// Column returns the index in [Roster.Header] of the column called name. Blanks around the
// name and its case don't matter, but a column with exactly this name is preferred. It is
// an error if there is none, or if there are two.
func (r *Roster) Column(name string) (int, error) {
	i, err := column(r.header, name)
	if err != nil {
		if errors.Is(err, errNoColumn) {
			err = r.noColumn(name)
		}
		return 0, &Error{r.src.name, r.dialect.header, 0, err}
	}
	return i, nil
}

func column(header []string, name string) (int, error) {
	i, err := only(header, func(h string) bool { return trim(h) == trim(name) })
	if errors.Is(err, errNoColumn) {
		i, err = only(header, func(h string) bool { return sameName(h, name) })
	}
	return i, err
}

// sameName reports whether two headers are the same except for case and blanks.
func sameName(a, b string) bool { return strings.EqualFold(trim(a), trim(b)) }

// only returns the index of the one header that fits. If two do, it returns that of the
// first, and an error.
func only(header []string, fits func(string) bool) (int, error) {
	found := -1
	for i, h := range header {
		if !fits(h) {
			continue
		}
		if found >= 0 {
			return found, fmt.Errorf("columns %d and %d are called %s and %s: rename one of them", found+1, i+1, quote(header[found]), quote(h))
		}
		found = i
	}
	if found < 0 {
		return 0, errNoColumn
	}
	return found, nil
}

// upnColumn returns the index of the column called name or, if name is "", of the column
// with the most likely name of a UPN column.
func upnColumn(header []string, name string) (int, error) {
	if name != "" {
		return column(header, name)
	}
	for _, rank := range upnRanks {
		i, err := only(header, func(h string) bool { return rank(strings.ToLower(trim(h))) })
		if !errors.Is(err, errNoColumn) {
			if err == nil {
				return i, nil
			}
			if _, same := column(header, header[i]); same == nil { // one of them can be named
				err = &OptionHint{Err: err, Option: "upn-column"}
			}
			return 0, err
		}
	}
	return 0, errNoColumn
}

// upnRanks match the names, trimmed and in lower case, that a column of UPNs can have, the
// surest first. Names for mail addresses are not among them, because an address is often
// not the UPN.
var upnRanks = []func(name string) bool{
	func(name string) bool { return plainName(name) == "userprincipalname" },
	func(name string) bool {
		return strings.Contains(name, "[userprincipalname]") || strings.Contains(name, "[memberobjectidorupn]")
	},
	func(name string) bool { return name == "upn" },
	func(name string) bool { return name == "username" || name == "user name" },
}

// plainName returns name without the characters between words.
func plainName(name string) string {
	return strings.Map(func(c rune) rune {
		if c == '_' || c == '-' || isPadding(c) {
			return -1
		}
		return c
	}, name)
}

// noUPNColumn returns the error if there is no UPN column, with what to do about it.
func (r *Roster) noUPNColumn() error {
	if r.options.UPNColumn != "" {
		return r.noColumn(r.options.UPNColumn)
	}
	for _, name := range r.header {
		if upn, err := ParseUPN(name); err == nil && strings.Contains(upn, "@") {
			return fmt.Errorf("no header: the line has the user %s where the names of the columns should be: put a line above it that says UserPrincipalName", quote(upn))
		}
	}
	found := "no UPN column among " + list(r.header)
	if title := r.title(); title != "" {
		return fmt.Errorf("the first row has to have the names of the columns, one of them UserPrincipalName: it has only %s, as a title would be", quote(title))
	}
	if name := cmp.Or(r.holdsUPNs(), likelyUPN(r.header)); name != "" {
		return &OptionHint{fmt.Errorf("%s: has %s the UPNs?", found, quote(name)), "upn-column", name}
	}
	if len(r.header) == 1 && r.options.Delimiter == 0 {
		return &OptionHint{fmt.Errorf("%s: name the column UserPrincipalName, unless that is several columns", found), "delimiter", ""}
	}
	return &OptionHint{fmt.Errorf("%s: name the one that has the UPNs UserPrincipalName", found), "upn-column", ""}
}

// noColumn returns the error if no column is called name.
func (r *Roster) noColumn(name string) error {
	err := fmt.Sprintf("no column %s among %s", quote(name), list(r.header))
	if like := nearest(r.header, name); like != "" {
		err += fmt.Sprintf(": did you mean %s?", quote(like))
	}
	return errors.New(err)
}

// sample is how many rows are read to find out what is in a column.
const sample = 100

// holdsUPNs returns the header of the column with the most UPNs in its first cells, if
// they are more than half of these cells; otherwise "".
func (r *Roster) holdsUPNs() string {
	rec := newRecords(r.src, r.dialect.delimiter, readAhead)
	rec.seek(r.dialect.rows, r.dialect.line)
	counts := make([]int, len(r.header))
	rows := 0
	for ; rows < sample && rec.next() == nil; rows++ {
		for i, c := range rec.cells[:min(len(rec.cells), len(counts))] {
			if c = trimSpan(rec.data, c); bytes.IndexByte(rec.data[c.start:c.end], '@') > 0 && upnFault(rec.data[c.start:c.end]) == "" {
				counts[i]++
			}
		}
	}
	most := slices.Index(counts, slices.Max(counts))
	if 2*counts[most] <= rows {
		return ""
	}
	return trim(r.header[most])
}

// likelyUPN returns the header that is most like the name of a UPN column, or "".
func likelyUPN(header []string) string {
	if name := nearest(header, "UserPrincipalName"); name != "" {
		return name
	}
	for _, part := range []string{"upn", "principal", "mail", "smtp", "login", "account"} {
		for _, h := range header {
			if strings.Contains(plainName(strings.ToLower(h)), part) {
				return trim(h)
			}
		}
	}
	return ""
}

// list returns the first of names, quoted.
func list(names []string) string {
	const most = 12
	var quoted []string
	for _, name := range names[:min(most, len(names))] {
		quoted = append(quoted, quote(trim(name)))
	}
	text := strings.Join(quoted, ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// quote returns text, or the beginning of a long one, in quotes.
func quote(text string) string { return fmt.Sprintf("%q", short(text, 60)) }

// short returns text, or its first most characters if there are more.
func short(text string, most int) string {
	n := 0
	for i := range text {
		if n == most {
			return text[:i] + "…"
		}
		n++
	}
	return text
}
