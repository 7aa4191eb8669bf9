package results

import (
	"slices"
	"strings"
)

// A Format says which columns a results CSV has, and how lines end.
type Format struct {
	Properties []string // of the change
	Moved      []string // properties that the tenant changes with them
	Header     []string // of the roster
	UPN        int      // index in Header of the column of UPNs, or -1
	Own        int      // how many columns of Header are those of a results file: these are not copied
	Excel      bool     // begin with a byte order mark, and end lines with CRLF
}

// The columns of every results file, before and after those of the properties.
var (
	leading  = []string{"Row", "UserPrincipalName", "Status"}
	trailing = []string{"Attempts", "Error", "FinishedAt"}
)

// IsColumn reports whether every results file has a column called name.
func IsColumn(name string) bool {
	is := func(column string) bool { return strings.EqualFold(column, name) }
	return slices.ContainsFunc(leading, is) || slices.ContainsFunc(trailing, is)
}

// Columns returns the header of a results file. A column of the roster whose name is
// taken is called "Input." and that name.
func Columns(f Format) []string {
	names := slices.Clone(leading)
	for _, p := range f.Properties {
		names = append(names, p, p+".Wanted", p+".Before")
	}
	for _, m := range f.Moved {
		names = append(names, m, m+".Before")
	}
	names = append(names, trailing...)
	taken := make(map[string]bool)
	for _, name := range names {
		taken[strings.ToLower(name)] = true
	}
	for i, name := range f.Header {
		if i == f.UPN || i < f.Own {
			continue
		}
		for key := normal(name); key != "" && taken[key]; key = normal(name) {
			name = "Input." + name
		}
		taken[normal(name)] = true
		names = append(names, name)
	}
	return names
}

// Carried returns the names that the roster's columns have in a results file.
func Carried(f Format) []string {
	return Columns(f)[len(leading)+3*len(f.Properties)+2*len(f.Moved)+len(trailing):]
}

// ParseColumns reads the header of a results file: the properties that were set, those
// that moved with them, and how many columns are rollcall's own. own is 0 if it is not the
// header of a results file.
func ParseColumns(header []string) (properties, moved []string, own int) {
	n := len(leading)
	if len(header) < n || !slices.Equal(header[:n], leading) {
		return nil, nil, 0
	}
	for n+2 < len(header) && header[n+1] == header[n]+".Wanted" && header[n+2] == header[n]+".Before" {
		properties = append(properties, header[n])
		n += 3
	}
	for n+1 < len(header) && header[n+1] == header[n]+".Before" {
		moved = append(moved, header[n])
		n += 2
	}
	if len(header) < n+len(trailing) || !slices.Equal(header[n:n+len(trailing)], trailing) {
		return nil, nil, 0
	}
	return properties, moved, n + len(trailing)
}

// normal returns a column's name in the form in which names are compared.
func normal(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
