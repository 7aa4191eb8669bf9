package roster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Description says what was found in a file. Users, Duplicates, Rejected,
// Examples and Conflicts add up to Rows.
type Description struct {
	Users        int            `json:"users"`                           // rows that can be used
	Duplicates   int            `json:"duplicates"`                      // rows with the verdict Duplicate
	Rejected     int            `json:"rejected"`                        // rows with the verdict Invalid
	Examples     int            `json:"examples"`                        // rows with the verdict Example
	Conflicts    int            `json:"conflicts"`                       // rows with the verdict Conflict
	Rows         int            `json:"rows"`                            // all rows
	PassedOver   int            `json:"passed_over,omitempty"`           // rows that Options.Only and Skip left out, which are not in Rows
	Encoding     string         `json:"encoding"`                        // as Options.Encoding has it; xlsx of a workbook
	Delimiter    string         `json:"delimiter"`                       // the character itself; "" of a workbook
	Sheet        string         `json:"sheet,omitempty"`                 // of a workbook
	UPNColumn    string         `json:"upn_column"`                      // header of the UPN column, as it came
	Warnings     []string       `json:"warnings"`                        // what a person should look at; never nil
	Rejections   []Rejection    `json:"rejections"`                      // the first of the rejected rows; never nil
	Disputed     []Disputed     `json:"conflicting"`                     // the first of the users with the verdict Conflict; never nil
	PassedOverBy map[string]int `json:"passed_over_by_status,omitempty"` // the same, by what stands in the column Status
}

// A Rejection says why a row can't be used.
type Rejection struct {
	Line   int    `json:"line"`
	UPN    string `json:"upn"` // what stood in the cell, shortened if it is very long
	Reason string `json:"reason"`
}

// Disputed is a user of whom two rows ask for different things.
type Disputed struct {
	Lines [2]int `json:"lines"` // the first row, and the first that differs from it
	UPN   string `json:"upn"`
}

// mostRejections is how many rejections, and how many disputed users, a Description has
// at most.
const mostRejections = 10

// String returns d in one line, which leaves out the warnings.
func (d Description) String() string {
	var delimiter string
	switch {
	case d.Encoding == workbookEncoding:
		delimiter = "sheet " + quote(d.Sheet)
	case d.Delimiter != "":
		delimiter = delimiterName(d.Delimiter[0])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, UPN column %s, %s: %s, %s, %d rejected", encoding(d.Encoding).title(), delimiter, quote(d.UPNColumn),
		count(d.Rows, "row"), count(d.Users, "user"), count(d.Duplicates, "duplicate"), d.Rejected)
	if d.Conflicts > 0 {
		fmt.Fprintf(&b, ", %s", count(d.Conflicts, "conflict"))
	}
	if d.Examples > 0 {
		fmt.Fprintf(&b, ", %s", count(d.Examples, "example"))
	}
	if d.PassedOver > 0 {
		fmt.Fprintf(&b, "; %s", d.Passed())
	}
	return b.String()
}

// Unusable returns how many rows no user can be made of: those that count as failed
// in a run.
func (d Description) Unusable() int { return d.Rejected + d.Conflicts }

// Passed says how many rows were passed over, of which status: "3 rows passed
// over (2 same, 1 not-found)".
func (d Description) Passed() string {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(d.PassedOverBy)) {
		name := status
		if name == "" {
			name = "without a status"
		}
		parts = append(parts, fmt.Sprintf("%d %s", d.PassedOverBy[status], short(name, 40)))
	}
	return fmt.Sprintf("%s passed over (%s)", count(d.PassedOver, "row"), strings.Join(parts, ", "))
}

// noUsers says why d has no users.
func (d Description) noUsers() string {
	if d.Rows == 0 {
		return "no rows: there is only a header"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "no row can be used (%s: %d rejected", count(d.Rows, "row"), d.Rejected)
	if d.Conflicts > 0 {
		fmt.Fprintf(&b, ", %s", count(d.Conflicts, "conflict"))
	}
	if d.Examples > 0 {
		fmt.Fprintf(&b, ", %s", count(d.Examples, "example"))
	}
	b.WriteString(")")
	if len(d.Rejections) > 0 {
		r := d.Rejections[0]
		fmt.Fprintf(&b, ": line %d, %s: %s", r.Line, quote(r.UPN), r.Reason)
	}
	return b.String()
}

// count returns n things in words.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
