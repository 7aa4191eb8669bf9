package roster

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// look returns an error if what has been read since the last look isn't text.
func (r *records) look() error {
	b := r.buf[r.vetted:r.end]
	if !r.eof {
		b = b[:wholeRunes(b)]
	}
	nul := bytes.IndexByte(b, 0)
	if nul >= 0 {
		b = b[:nul]
	}
	if !utf8.Valid(b) {
		i := firstInvalid(b)
		return &notUTF8Error{offset: r.base + int64(r.vetted+i), b: b[i]}
	}
	if nul >= 0 {
		return r.src.errorAt(r.base+int64(r.vetted+nul), errors.New("a NUL byte: this is not a text file"))
	}
	r.vetted += len(b)
	return nil
}

// wholeRunes returns how many bytes of b are before a character at its end that
// isn't all there.
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

// firstInvalid returns where b ceases to be UTF-8.
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
