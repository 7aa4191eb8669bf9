package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"rollcall/pipeline"
)

// Asked describes in a sentence the change that rows ask for: for how many users, and
// from which values to which. Its memory does not grow with the number of users. It is
// for one goroutine.
type Asked struct {
	// Noun, if not "", is said of the setting: "Set PrivacyMode of UserAnalyticsConfig".
	Noun string

	users      int
	unread     int // users with a value before that is not known
	properties []string
	moves      []map[move]int // by property: the number of users for each move
	others     []int          // by property: users with a move beyond the first mostMoves
}

// A move is the change from one value to another, as [kept] returns them; from is "" if
// it is not known.
type move struct{ from, to string }

const (
	mostMoves  = 1000 // of a property, that are counted separately
	namedMoves = 3    // of a property, that the sentence names
	mostValue  = 60   // characters of a value
)

// NewAsked returns an Asked for these properties, with no users.
func NewAsked(properties []string) *Asked {
	a := &Asked{properties: properties, others: make([]int, len(properties))}
	for range properties {
		a.moves = append(a.moves, make(map[move]int))
	}
	return a
}

// Add adds a user. Values holds the value wanted and the value before of each property.
func (a *Asked) Add(values []pipeline.Value) {
	a.users++
	unread := false
	for i, v := range values[:len(a.properties)] {
		if v.Wanted == "" {
			continue
		}
		unread = unread || v.Before == ""
		m := move{kept(v.Before), kept(v.Wanted)}
		if _, known := a.moves[i][m]; known || len(a.moves[i]) < mostMoves {
			if !known { // a clone does not keep the whole row in memory
				m = move{strings.Clone(m.from), strings.Clone(m.to)}
			}
			a.moves[i][m]++
		} else {
			a.others[i]++
		}
	}
	if unread {
		a.unread++
	}
}

// Users returns the number of users added.
func (a *Asked) Users() int { return a.users }

// Unread returns the number of users with a value before that is not known.
func (a *Asked) Unread() int { return a.unread }

// Set returns the sentence for a change:
//
//	Set PrivacyMode to opt-out for 492 users (491 opt-in → opt-out, 1 not read)
//
// Whose says which users they are, if that is not clear: "the other".
func (a *Asked) Set(whose string) string {
	var phrases, counts []string
	setBefore := false // the phrase before sets a value
	for i, property := range a.properties {
		if i == 0 {
			property += a.ofNoun()
		}
		to, same := a.wanted(i)
		phrase := "set " + property
		switch list, edit := members(to); {
		case same && edit == '+':
			phrase = fmt.Sprintf("add %s to %s", list, property)
		case same && edit == '-':
			phrase = fmt.Sprintf("remove %s from %s", list, property)
		case same:
			phrase += " to " + clipped(to)
		case len(a.properties) > 1:
			phrase += " to each user's own value"
		}
		sets := strings.HasPrefix(phrase, "set ")
		if sets && setBefore {
			phrase = strings.TrimPrefix(phrase, "set ") // as in: set A to x and B to y
		}
		setBefore = sets
		phrases = append(phrases, phrase)
		if text := a.counts(i, same); text != "" {
			counts = append(counts, a.labelled(i, len(a.properties), text))
		}
	}
	text := listed(phrases)
	return strings.ToUpper(text[:1]) + text[1:] + " for " + a.amount(whose) + inBrackets(counts)
}

// PutBack returns the sentence for an undo of a change of the first n properties. The
// other properties changed together with them:
//
//	Put back PrivacyMode of 491 users (491 to opt-in) and what moved with it (IsDashboardEnabled)
func (a *Asked) PutBack(n int, whose string) string {
	var counts []string
	for i := range a.properties[:n] {
		if text := a.counts(i, false); text != "" {
			counts = append(counts, a.labelled(i, n, text))
		}
	}
	users := " of " + a.amount(whose)
	if a.Noun != "" {
		users = a.ofNoun() + " for " + a.amount(whose)
	}
	text := "Put back " + listed(a.properties[:n]) + users + inBrackets(counts)
	if moved := a.properties[n:]; len(moved) > 0 {
		text += " and what moved with it (" + strings.Join(moved, ", ") + ")"
	}
	return text
}

func (a *Asked) ofNoun() string {
	if a.Noun == "" {
		return ""
	}
	return " of " + a.Noun
}

func (a *Asked) amount(whose string) string {
	return strings.TrimPrefix(whose+" ", " ") + pipeline.Plural(a.users, "user")
}

// labelled returns text, which is about property i, after the property's name if there
// are several.
func (a *Asked) labelled(i, of int, text string) string {
	if of == 1 {
		return text
	}
	return a.properties[i] + ": " + text
}

// wanted returns the value wanted of property i if it is the same for all users.
func (a *Asked) wanted(i int) (to string, same bool) {
	users := a.others[i]
	for m, n := range a.moves[i] {
		if to != "" && m.to != to || a.others[i] > 0 {
			return "", false
		}
		to = m.to
		users += n
	}
	return to, users == a.users && users > 0
}

// counts returns the number of users for each move of property i: the most frequent
// moves first, then the number of other users. It returns "" if the same value is wanted
// for all and no value before is known.
func (a *Asked) counts(i int, same bool) string {
	type count struct {
		text string
		n    int
	}
	var all []count
	known, total := false, a.others[i]
	for m, n := range a.moves[i] {
		known = known || m.from != ""
		total += n
		text := ""
		switch {
		case m.from == m.to:
			text = fmt.Sprintf("%d %s already", n, clipped(m.to))
		case m.from != "":
			text = fmt.Sprintf("%d %s → %s", n, clipped(m.from), clipped(m.to))
		case same:
			text = fmt.Sprintf("%d not read", n)
		default:
			text = fmt.Sprintf("%d to %s", n, clipped(m.to))
		}
		all = append(all, count{text, n})
	}
	if same && !known {
		return ""
	}
	slices.SortFunc(all, func(x, y count) int { return cmp.Or(cmp.Compare(y.n, x.n), cmp.Compare(x.text, y.text)) })
	var texts []string
	rest := total
	for j, c := range all {
		// Naming the last move takes no more room than "and 1 other".
		if j >= namedMoves && !(j == namedMoves && len(all) == namedMoves+1 && a.others[i] == 0) {
			break
		}
		texts = append(texts, c.text)
		rest -= c.n
	}
	text := strings.Join(texts, ", ")
	if rest > 0 {
		noun := "others"
		if rest == 1 {
			noun = "other"
		}
		text += fmt.Sprintf(" and %d %s", rest, noun)
	}
	if alone := a.users - total; alone > 0 {
		text += fmt.Sprintf(", %d not changed", alone)
	}
	return strings.TrimPrefix(text, ", ")
}

// members returns the members of a list that a cell adds ('+') or removes ('-'). For any
// other cell, edit is 0.
func members(cell string) (text string, edit byte) {
	list, edit := edits(cell)
	for i, member := range list {
		list[i] = quoted(member)
	}
	return shown(cutShort(strings.Join(list, ", "))), edit
}

// edits is members with each of them to itself, as it is in the cell.
func edits(cell string) (list []string, edit byte) {
	if !strings.HasPrefix(cell, `+["`) && !strings.HasPrefix(cell, `-["`) {
		return nil, 0
	}
	if json.Unmarshal([]byte(cell[1:]), &list) != nil {
		return nil, 0
	}
	return list, cell[0]
}

// clipped returns a value as it is shown: safe for a terminal, and cut if it is long.
func clipped(value string) string { return shown(quoted(cutShort(value))) }

func cutShort(text string) string {
	if runes := []rune(text); len(runes) > mostValue {
		return string(runes[:mostValue]) + "…"
	}
	return text
}

// quoted returns a value in quotes if it could be taken for a part of the sentence that
// it is in.
func quoted(value string) string {
	if !strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`?.(),;→"`, r) }) {
		return value
	}
	return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
}

// mostKept is how many bytes of a value are kept: more than are shown.
const mostKept = 1 << 10

// kept returns what is kept of a value: all of it or, if it is long, its beginning and a
// hash, by which two that begin alike are told apart.
func kept(value string) string {
	if len(value) <= mostKept {
		return value
	}
	if list, edit := edits(value); edit != 0 {
		if b, err := json.Marshal([]string{kept(strings.Join(list, ", "))}); err == nil {
			return string(edit) + string(b)
		}
	}
	return fmt.Sprintf("%s%x", value[:mostKept], sha256.Sum256([]byte(value)))
}

// listed joins texts: "A, B and C".
func listed(texts []string) string {
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	last := len(texts) - 1
	return strings.Join(texts[:last], ", ") + " and " + texts[last]
}

func inBrackets(texts []string) string {
	if texts == nil {
		return ""
	}
	return " (" + strings.Join(texts, "; ") + ")"
}
