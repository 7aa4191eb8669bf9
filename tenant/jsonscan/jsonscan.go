// Package jsonscan reads JSON of a form that is known in advance, and decodes only the
// values that are asked for. It is for the few places where encoding/json takes most of
// the time. JSON of any other form is left to encoding/json.
package jsonscan

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
)

// A Scanner reads JSON from its start. If it finds something else than it was asked for, it
// fails: from then on it returns zero values, and More returns false.
type Scanner struct {
	b      []byte
	i      int
	fresh  bool // nothing but the opening of an object or a list was read last
	failed bool
}

// New returns a Scanner of b, which it does not change.
func New(b []byte) *Scanner { return &Scanner{b: b} }

// Fail makes s fail.
func (s *Scanner) Fail() { s.failed = true }

// Failed reports whether s has failed.
func (s *Scanner) Failed() bool { return s.failed }

// Done reports whether s has read all there is, and not failed.
func (s *Scanner) Done() bool {
	s.peek()
	return !s.failed && s.i == len(s.b)
}

// peek returns the next byte that is not space, or 0.
func (s *Scanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		if c := s.b[s.i]; c > ' ' || c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}

// Is reports whether c begins what comes next.
func (s *Scanner) Is(c byte) bool { return !s.failed && s.peek() == c }

// take reads c.
func (s *Scanner) take(c byte) {
	if !s.Is(c) {
		s.failed = true
		return
	}
	s.i++
}

// Open reads the opening of an object or a list, a '{' or a '['.
func (s *Scanner) Open(c byte) {
	s.take(c)
	s.fresh = true
}

// More reports whether there is another member or element, and reads what is
// between it and the one before; or else the close, a '}' or a ']'.
func (s *Scanner) More(c byte) bool {
	fresh := s.fresh
	s.fresh = false
	switch {
	case s.failed:
		return false
	case s.Is(c):
		s.i++
		return false
	case !fresh:
		s.take(',')
	}
	return !s.failed
}

// Name reads the name of a member.
func (s *Scanner) Name() []byte {
	name := s.Text()
	s.take(':')
	return name
}

// Expect reads the name of the next member, which has to be this one.
func (s *Scanner) Expect(name string) {
	if !s.More('}') || string(s.Name()) != name {
		s.failed = true
	}
}

// Close reads a close, which has to come next.
func (s *Scanner) Close(c byte) {
	if s.More(c) {
		s.failed = true
	}
}

// Text reads a string.
func (s *Scanner) Text() []byte {
	if s.take('"'); s.failed {
		return nil
	}
	start := s.i
	if end := start + plain(s.b[start:]); end < len(s.b) && s.b[end] == '"' {
		s.i = end + 1
		return s.b[start:end]
	}
	s.i = start - 1
	var text string
	raw := s.Raw()
	s.failed = s.failed || json.Unmarshal(raw, &text) != nil
	return []byte(text)
}

// plain returns how many bytes at the start of b stand for themselves in a string.
func plain(b []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		// Eight bytes at once. The top bit of each is set if it is 0x80 or more, or less than a
		// space, or less than 1 where 0 is a quote or a backslash. What is borrowed for that
		// changes only bytes after the first one found.
		x := binary.LittleEndian.Uint64(b[i:])
		found := ((x - ' '*ones) | ((x ^ '"'*ones) - ones) | ((x ^ '\\'*ones) - ones)) & tops
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			break
		}
	}
	return i
}

// Bool reads true or false.
func (s *Scanner) Bool() bool {
	if s.Is('t') {
		s.word("true")
		return !s.failed
	}
	s.word("false")
	return false
}

// word reads true, false or null.
func (s *Scanner) word(word string) {
	if s.peek(); s.failed || !bytes.HasPrefix(s.b[s.i:], []byte(word)) {
		s.failed = true
		return
	}
	s.i += len(word)
}

// maxDepth is how deep in lists and objects Value reads.
const maxDepth = 100

// Value reads a value of any kind, as encoding/json does with UseNumber.
func (s *Scanner) Value() any { return s.value(maxDepth) }

func (s *Scanner) value(depth int) any {
	switch c := s.peek(); {
	case s.failed, depth == 0:
		s.failed = true
		return nil
	case c == '"':
		return string(s.Text())
	case c == 't', c == 'f':
		return s.Bool()
	case c == 'n':
		s.word("null")
		return nil
	case c == '[':
		list := []any{}
		for s.Open('['); s.More(']'); {
			list = append(list, s.value(depth-1))
		}
		return list
	case c == '{':
		object := map[string]any{}
		for s.Open('{'); s.More('}'); {
			name := string(s.Name())
			object[name] = s.value(depth - 1)
		}
		return object
	}
	number := s.Raw()
	s.failed = s.failed || !json.Valid(number)
	return json.Number(number)
}

// Skip reads a value of any kind, and leaves it out.
func (s *Scanner) Skip() {
	if s.Is('"') {
		s.Text() // without a copy
		return
	}
	s.Value()
}

// Uint reads a number of up to nine digits and nothing else.
func (s *Scanner) Uint() int {
	s.peek()
	n, start := 0, s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' && s.i-start < 9 {
		n = 10*n + int(s.b[s.i]-'0')
		s.i++
	}
	digits := s.b[start:s.i]
	if len(digits) == 0 || len(digits) > 1 && digits[0] == '0' || s.i < len(s.b) && bytes.IndexByte([]byte(".eE0123456789"), s.b[s.i]) >= 0 {
		s.failed = true
	}
	return n
}

// Raw reads a value of any kind. It finds the end of it, and does not look
// whether it is JSON: that is for who decodes it.
func (s *Scanner) Raw() []byte {
	if s.failed || s.peek() == 0 {
		s.failed = true
		return nil
	}
	start, depth := s.i, 0
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case '"':
			s.skipText()
			if depth == 0 || s.failed {
				return s.b[start:s.i]
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.i++
				return s.b[start:s.i]
			}
		}
		if depth < 0 || depth == 0 && (s.b[s.i] == ',' || s.b[s.i] <= ' ') {
			break
		}
		s.i++
	}
	s.failed = s.failed || depth > 0 || s.i == start
	return s.b[start:s.i]
}

// skipText reads a string, whatever is in it.
func (s *Scanner) skipText() {
	for s.i++; s.i < len(s.b); {
		n := bytes.IndexByte(s.b[s.i:], '"')
		if n < 0 {
			break
		}
		s.i += n + 1
		slashes := 0
		for s.b[s.i-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return
		}
	}
	s.failed = true
}
