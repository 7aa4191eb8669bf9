package tenant

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// minPiece is the length, in bytes that print, from which a piece of a secret is
// hidden: what is left of a token where a line was wrapped or cut is still secret. A
// shorter piece can't be told from a word.
const minPiece = 8

// hidden is written in place of a secret.
const hidden = "[secret]"

// tokenPattern matches a JWT, or most of one, that is in no list of secrets.
var tokenPattern = regexp.MustCompile(`eyJ[\w-]{8,}\.[\w.-]*`)

// Hide returns s without secrets, without pieces of a secret of eight bytes or more, and
// without texts that look like a token. It finds a secret even if space, characters that don't
// print, or sequences that control a terminal are in it: one that is wrapped or coloured, for
// example. The result has no such characters and sequences, only the space.
func Hide(s string, secrets ...string) string {
	var skip [][]int
	if strings.ContainsRune(s, escape) {
		skip = controlSequences.FindAllStringIndex(s, -1)
	}
	secret := make([]bool, len(s)) // which bytes are of a secret
	look := func(skip [][]int) {
		if len(secrets) == 0 {
			return
		}
		text, at := visible(s, skip)
		for _, key := range secrets {
			if !isPlain(key) {
				key, _ = visible(key, nil)
			}
			if key != "" {
				mark(secret, text, at, key)
			}
		}
	}
	if strings.Contains(s, "eyJ") {
		for _, at := range tokenPattern.FindAllStringIndex(s, -1) {
			for i := at[0]; i < at[1]; i++ {
				secret[i] = true
			}
		}
	}
	// What looks like a sequence may as well be an escape in front of a part of
	// a secret, so s is looked at both ways.
	look(nil)
	if skip != nil {
		look(skip)
	}
	var b strings.Builder
	for i, r := range s {
		for len(skip) > 0 && i >= skip[0][1] {
			skip = skip[1:]
		}
		switch {
		case secret[i]:
			if i == 0 || !secret[i-1] {
				b.WriteString(hidden)
			}
		case len(skip) > 0 && i >= skip[0][0]:
		case prints(r), unicode.IsSpace(r):
			b.WriteRune(r) // for a byte that is not UTF-8, U+FFFD
		}
	}
	return b.String()
}

// visible returns s without space, characters that don't print and the ranges skip,
// and where in s each byte of that is.
func visible(s string, skip [][]int) (text string, at []int) {
	var b strings.Builder
	for i, r := range s {
		for len(skip) > 0 && i >= skip[0][1] {
			skip = skip[1:]
		}
		if len(skip) > 0 && i >= skip[0][0] || unicode.IsSpace(r) || !prints(r) {
			continue
		}
		b.WriteRune(r)
		_, n := utf8.DecodeRuneInString(s[i:])
		for j := range utf8.RuneLen(r) {
			at = append(at, i+min(j, n-1))
		}
	}
	return b.String(), at
}

// isPlain reports whether s consists of printing ASCII, as tokens do.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// mark sets secret where key, or a piece of it, is in text.
func mark(secret []bool, text string, at []int, key string) {
	cover := func(from, to int) { // of text
		for from > 0 && !utf8.RuneStart(text[from]) {
			from--
		}
		for to < len(text) && !utf8.RuneStart(text[to]) {
			to++
		}
		for i := at[from]; i <= at[to-1]; i++ {
			secret[i] = true
		}
	}
	if len(key) < minPiece {
		for i := 0; ; i++ {
			n := strings.Index(text[i:], key)
			if n < 0 {
				return
			}
			i += n
			cover(i, i+len(key))
		}
	}
	// Few places need a closer look: those whose hash is one of a piece's.
	var hashes [1 << 10]uint64
	for i := range len(key) - minPiece + 1 {
		h := hash(key[i:])
		hashes[h>>6] |= 1 << (h & 63)
	}
	for i := range len(text) - minPiece + 1 {
		if h := hash(text[i:]); hashes[h>>6]&(1<<(h&63)) != 0 && strings.Contains(key, text[i:i+minPiece]) {
			cover(i, i+minPiece)
		}
	}
}

// hash returns 16 bits that stand for the first minPiece bytes of s.
func hash(s string) uint16 {
	var h uint64
	for i := range minPiece {
		h = h<<8 | uint64(s[i])
	}
	return uint16(h * 0x9e3779b97f4a7c15 >> 48)
}
