package results

import (
	"slices"
	"strings"
)

// A Format is how a results CSV is laid out.
type Format struct {
	Properties []string // of the change
	Moved      []string // that change with them
	Header     []string // of the roster
	UPN        int      // index in Header of the column of UPNs, or -1
	Own        int      // how many columns of Header are those of a results file, which are not carried on
	Excel      bool     // begin with a byte order mark and end lines as Windows does
}

// The columns of every results file, ahead of those of the properties and behind.
var (
	leading  = []string{"Row", "UserPrincipalName", "Status"}
	trailing = []string{"Attempts", "Error", "FinishedAt"}
)

// IsColumn reports whether every results file has a column called name.
func IsColumn(name string) bool {
	is := func(column string) bool { return strings.EqualFold(column, name) }
	return slices.ContainsFunc(leading, is) || slices.ContainsFunc(trailing, is)
}

// Columns returns the header of a results file. A column of the roster whose
// name is taken gets "Input." ahead of it.
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

// Carried returns the names of the roster's columns in a results file.
func Carried(f Format) []string {
	return Columns(f)[len(leading)+3*len(f.Properties)+2*len(f.Moved)+len(trailing):]
}

// ParseColumns returns the properties that the results file with this header is
// about, those that moved with them, and how many of its columns are not the
// roster's: none if the file is not one that a Writer wrote.
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

// normal returns a column's name as it is compared.
func normal(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
