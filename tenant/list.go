package tenant

import (
	"encoding/json"
	"slices"
	"strings"
)

// ListSeparator stands between the members of a list as people write it:
// [a;b].
const ListSeparator = ";"

// An Edit is a change of a list that is wanted: members that are to be in it, and
// members that are not. What else the list has stays.
type Edit struct {
	Add, Remove []string
}

// String returns e as a cell has it: +["a"], -["b"] or both.
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

// made reports whether a list is as e wants it.
func (e Edit) made(list []any) bool {
	has := func(m string) bool { return slices.Contains(list, any(m)) }
	return !slices.ContainsFunc(e.Add, func(m string) bool { return !has(m) }) && !slices.ContainsFunc(e.Remove, has)
}

// isList reports whether text is a list as people or results files write it:
// [a;b] or ["a","b"].
func isList(text string) bool {
	return len(text) >= 2 && text[0] == '[' && text[len(text)-1] == ']'
}

// WriteList returns text, which people wrote, as a results file has it if it is a
// list whose members stand between separators.
func WriteList(text, separator string) string {
	if word := strings.TrimSpace(text); isList(word) {
		return Text(split(word, separator))
	}
	return text
}

// members returns those of the list that text is. Blanks around them are not
// theirs.
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
