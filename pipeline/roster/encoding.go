package roster

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// An encoding is how a file writes characters as bytes, by the name that
// Options.Encoding has for it.
type encoding string

const (
	utf8Encoding encoding = "utf-8"
	utf16LE      encoding = "utf-16le"
	utf16BE      encoding = "utf-16be"
	windows1252  encoding = "windows-1252"
)

// title returns e as a person writes it.
func (e encoding) title() string {
	switch e {
	case utf16LE:
		return "UTF-16 LE"
	case utf16BE:
		return "UTF-16 BE"
	case windows1252:
		return "Windows-1252"
	case workbookEncoding:
		return "Excel workbook"
	}
	return "UTF-8"
}

// parseEncoding returns the encoding called name, in whatever case and with or
// without hyphens, or "" for "".
func parseEncoding(name string) (encoding, error) {
	if name == "" {
		return "", nil
	}
	plain := func(s string) string { return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s)) }
	for _, e := range []encoding{utf8Encoding, utf16LE, utf16BE, windows1252} {
		if plain(string(e)) == plain(name) {
			return e, nil
		}
	}
	return "", optionError(fmt.Sprintf("encoding %q: want utf-8, utf-16le, utf-16be or windows-1252", name))
}

// A signature is what files begin with that aren't CSV, however they are called.
var signatures = []struct{ begin, what string }{
	{"PK\x05\x06", "an empty zip file, not a CSV file"},
	{"\xD0\xCF\x11\xE0", "an old Excel workbook (.xls), or one with a password: in Excel, save it as .xlsx without a password, or as CSV UTF-8"},
	{"\x1F\x8B", "compressed with gzip: unpack it first"},
	{"%PDF-", "a PDF file, not a CSV file"},
	{"\xFF\xFE\x00\x00", "in UTF-32: save it as UTF-8"},
	{"\x00\x00\xFE\xFF", "in UTF-32: save it as UTF-8"},
}

// findEncoding returns the encoding of s, which is option unless that is "", as
// far as its beginning tells: UTF-8 may turn out later not to be. It makes s
// start behind a byte order mark.
func findEncoding(s *source, option string) (encoding, error) {
	b := make([]byte, min(4096, s.size))
	if err := s.readAt(b, 0); err != nil {
		return "", err
	}
	for _, sig := range signatures {
		if bytes.HasPrefix(b, []byte(sig.begin)) {
			return "", &Error{Name: s.name, Err: errors.New("the file is " + sig.what)}
		}
	}
	enc, err := parseEncoding(option)
	if err != nil {
		return "", err
	}
	for _, mark := range []struct {
		bytes string
		enc   encoding
	}{
		{"\xEF\xBB\xBF", utf8Encoding},
		{"\xFF\xFE", utf16LE},
		{"\xFE\xFF", utf16BE},
	} {
		// A file in Windows-1252 may have a byte order mark by mistake.
		if bytes.HasPrefix(b, []byte(mark.bytes)) && (enc == "" || enc == mark.enc || enc == windows1252 && mark.enc == utf8Encoding) {
			s.start, s.bom = int64(len(mark.bytes)), true
			if enc == "" {
				enc = mark.enc
			}
			return enc, nil
		}
	}
	if enc == "" {
		enc = byZeros(b)
	}
	return enc, nil
}

// byZeros returns the encoding of b, which has no byte order mark: UTF-16 if
// every other byte of most is NUL, as in all Latin text.
func byZeros(b []byte) encoding {
	var zeros [2]int
	for i, c := range b {
		if c == 0 {
			zeros[i%2]++
		}
	}
	pairs := len(b) / 2
	switch {
	case pairs > 0 && 2*zeros[1] >= pairs && 8*zeros[0] <= zeros[1]:
		return utf16LE
	case pairs > 0 && 2*zeros[0] >= pairs && 8*zeros[1] <= zeros[0]:
		return utf16BE
	}
	return utf8Encoding
}

// A notUTF8Error says that a source has a byte that can't be in UTF-8.
type notUTF8Error struct {
	offset int64
	b      byte
}

func (e *notUTF8Error) Error() string { return fmt.Sprintf("byte 0x%02X is not UTF-8", e.b) }

// verdict returns the warning with which the file can be read as Windows-1252,
// or the error if it is UTF-8 for certain.
func (e *notUTF8Error) verdict(s *source, option string) (warning string, err error) {
	switch {
	case option != "":
		return "", s.errorAt(e.offset, e)
	case s.bom:
		return "", s.errorAt(e.offset, &OptionHint{fmt.Errorf("%w, though the file begins with the byte order mark of UTF-8: save it as UTF-8", e), "encoding", "windows-1252"})
	}
	line, column := s.place(e.offset)
	return fmt.Sprintf("line %d, column %d is not UTF-8, so the file was read as Windows-1252: check that names are spelt right, or name its encoding", line, column), nil
}
