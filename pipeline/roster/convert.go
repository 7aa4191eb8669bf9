package roster

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// convert converts s to UTF-8, in a temporary file.
func (s *source) convert(enc encoding) (*source, error) {
	decode := decodeWindows1252
	switch enc {
	case utf16LE:
		decode = decodeUTF16(0, 1)
	case utf16BE:
		decode = decodeUTF16(1, 0)
	}
	var bad error
	out, err := fillTemp(s.name, func(w *bufio.Writer) error {
		err := decode(w, bufio.NewReaderSize(s.reader(), readAhead))
		if e, ok := errors.AsType[*badTextError](err); ok {
			bad, err = e, nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if bad != nil {
		// The text before the bad character was written.
		defer out.close()
		return nil, out.errorAt(out.size, bad)
	}
	return out, nil
}

// A badTextError is about the character that couldn't be decoded.
type badTextError struct{ text string }

func (e *badTextError) Error() string { return e.text }

// win1252 has the character of each byte, as UTF-8, or "" for control characters that are
// not in texts.
var win1252 = func() (table [256]string) {
	for i := range table {
		c := charmap.Windows1252.DecodeByte(byte(i))
		if c >= ' ' && c < 0x7F || c >= 0xA0 && c != utf8.RuneError || strings.ContainsRune("\t\n\v\f\r\x1A", c) {
			table[i] = string(c)
		}
	}
	return table
}()

// decodeWindows1252 copies the text of r to w.
func decodeWindows1252(w *bufio.Writer, r *bufio.Reader) error {
	for {
		c, err := r.ReadByte()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if c < utf8.RuneSelf && c >= ' ' && c != 0x7F {
			w.WriteByte(c)
			continue
		}
		text := win1252[c]
		if text == "" {
			return &badTextError{fmt.Sprintf("byte 0x%02X is neither UTF-8 nor Windows-1252: save the file as UTF-8", c)}
		}
		w.WriteString(text)
	}
}

// decodeUTF16 returns a function that copies the text of r to w. low and high are the
// places of the low and the high byte of each pair.
func decodeUTF16(low, high int) func(w *bufio.Writer, r *bufio.Reader) error {
	return func(w *bufio.Writer, r *bufio.Reader) error {
		var lead rune // the first half of a character, or 0
		for {
			var b [2]byte
			n, err := io.ReadFull(r, b[:])
			switch {
			case err == io.EOF && lead == 0:
				return nil
			case err == io.EOF || err == io.ErrUnexpectedEOF:
				if n == 1 && lead == 0 && b[0] == 0x1A {
					return nil
				}
				return &badTextError{"the file ends in the middle of a UTF-16 character: it may be cut short"}
			case err != nil:
				return err
			}
			c := rune(b[high])<<8 | rune(b[low])
			switch {
			case lead != 0:
				if c = utf16.DecodeRune(lead, c); c == utf8.RuneError {
					return &badTextError{"half of a UTF-16 character: this is not text in UTF-16"}
				}
				lead = 0
			case utf16.IsSurrogate(c):
				if c >= 0xDC00 {
					return &badTextError{"half of a UTF-16 character: this is not text in UTF-16"}
				}
				lead = c
				continue
			}
			w.WriteRune(c)
		}
	}
}
