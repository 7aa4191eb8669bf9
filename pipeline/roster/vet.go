package roster

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// checkText returns an error if s is not text: UTF-8 without a NUL byte.
func (s *source) checkText() error {
	buf := make([]byte, min(readAhead, max(0, s.size-s.start)))
	for at := s.start; at < s.size; {
		b := buf[:min(int64(len(buf)), s.size-at)]
		if err := s.readAt(b, at); err != nil {
			return err
		}
		if at+int64(len(b)) < s.size {
			b = b[:wholeRunes(b)]
		}
		nul := bytes.IndexByte(b, 0)
		if nul >= 0 {
			b = b[:nul]
		}
		if !utf8.Valid(b) {
			i := firstInvalid(b)
			return &notUTF8Error{offset: at + int64(i), b: b[i]}
		}
		if nul >= 0 {
			return s.errorAt(at+int64(nul), errors.New("a NUL byte: this is not a text file"))
		}
		at += int64(len(b))
	}
	return nil
}

// wholeRunes returns the length of b without an incomplete character at its end.
func wholeRunes(b []byte) int {
	for i := len(b) - 1; i >= max(0, len(b)-utf8.UTFMax); i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}

// firstInvalid returns the position of the first byte of b that is not UTF-8.
func firstInvalid(b []byte) int {
	i := 0
	for i < len(b) {
		c, size := utf8.DecodeRune(b[i:])
		if c == utf8.RuneError && size == 1 {
			break
		}
		i += size
	}
	return i
}
