package tenant

import (
	"encoding/json"
	"slices"
	"strings"
)

// ListSeparator stands between the members of a list as people write it:
// [a;b].
const ListSeparator = ";"

// An Edit is a wanted change of a list: members to add and members to remove. The
// other members stay.
type Edit struct {
	Add, Remove []string
}

// String returns e as it stands in a cell: +["a"], -["b"] or both.
func (e Edit) String() string {
	var b strings.Builder
	if e.Add != nil {
		b.WriteString("+" + Text(e.Add))
	}
	if e.Remove != nil {
		b.WriteString("-" + Text(e.Remove))
	}
	return b.String()
}

// parseEdit reads what [Edit.String] returns.
func parseEdit(text string) (e Edit, ok bool) {
	for text != "" {
		d := json.NewDecoder(strings.NewReader(text[1:]))
		var list []string
		if (text[0] != '+' && text[0] != '-') || d.Decode(&list) != nil || list == nil {
			return Edit{}, false
		}
		switch {
		case text[0] == '+' && e.Add == nil && e.Remove == nil:
			e.Add = list
		case text[0] == '-' && e.Remove == nil:
			e.Remove = list
		default:
			return Edit{}, false
		}
		text = text[1+d.InputOffset():]
	}
	return e, e.Add != nil || e.Remove != nil
}

// isSatisfied reports whether list has all of e.Add and none of e.Remove.
func (e Edit) isSatisfied(list []any) bool {
	has := func(m string) bool { return slices.Contains(list, any(m)) }
	return !slices.ContainsFunc(e.Add, func(m string) bool { return !has(m) }) && !slices.ContainsFunc(e.Remove, has)
}

// isList reports whether text is a list as people or results files write it:
// [a;b] or ["a","b"].
func isList(text string) bool {
	return len(text) >= 2 && text[0] == '[' && text[len(text)-1] == ']'
}

// WriteList returns text in the form of a results file, if it is a list with
// separator between its members, and else as it is.
func WriteList(text, separator string) string {
	if word := strings.TrimSpace(text); isList(word) {
		return Text(split(word, separator))
	}
	return text
}

// members returns the members of the list that text is, without blanks around them.
func members(text string) []string {
	list := []string{}
	if json.Unmarshal([]byte(text), &list) == nil && list != nil {
		return list
	}
	return split(text, ListSeparator)
}

func split(text, separator string) []string {
	list := []string{}
	for m := range strings.SplitSeq(text[1:len(text)-1], separator) {
		if m = strings.TrimSpace(m); m != "" {
			list = append(list, m)
		}
	}
	return list
}

// sameMembers reports whether list has the given members, in any order.
func sameMembers(list []any, members []string) bool {
	had := make([]string, len(list))
	for i, m := range list {
		had[i] = Text(m)
	}
	members = slices.Clone(members)
	slices.Sort(had)
	slices.Sort(members)
	return slices.Equal(slices.Compact(had), slices.Compact(members))
}
