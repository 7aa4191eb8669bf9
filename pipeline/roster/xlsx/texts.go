package xlsx

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
)

// texts are those that cells share, by their index. They are in a temporary file, and
// take 8 bytes of memory each.
type texts struct {
	file  *os.File
	temp  string  // to be removed, or ""
	ends  []int64 // where each ends in the file
	ahead []byte  // of the file, from at on
	at    int64
}

// mostTexts is eight for each row of the largest sheet.
const mostTexts = 8 << 20

// readTexts reads the texts of a part; there may be none.
func (b *Book) readTexts(part string) (*texts, error) {
	if part == "" || b.parts[part] == nil {
		return nil, nil
	}
	f, err := os.CreateTemp("", "rollcall-*.texts")
	if err != nil {
		return nil, err
	}
	t := &texts{file: f}
	if os.Remove(f.Name()) != nil {
		t.temp = f.Name()
	}
	if err := t.fill(b, part); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *texts) fill(b *Book, part string) error {
	in, err := b.tokens(part, maxTexts)
	if err != nil {
		return err
	}
	defer in.close()
	w := bufio.NewWriterSize(t.file, 64<<10)
	end := int64(0)
	for {
		start, err := in.begin("si")
		if err == io.EOF {
			return w.Flush()
		}
		if err != nil {
			return err
		}
		switch {
		case start.depth != 2:
			return in.wrong(errors.New("texts where there can be none"))
		case len(t.ends) == mostTexts:
			return fmt.Errorf("%s has more than %d texts: this is not a workbook of users", part, mostTexts)
		}
		text, err := in.richText()
		if err != nil {
			return err
		}
		if _, err := w.WriteString(text); err != nil {
			return err
		}
		end += int64(len(text))
		t.ends = append(t.ends, end)
	}
}

// text returns the text of an index as a cell has it.
func (t *texts) text(index string) (string, error) {
	i, err := strconv.Atoi(index)
	if err != nil || t == nil || i < 0 || i >= len(t.ends) {
		return "", fmt.Errorf("there is no text %q in the workbook", index)
	}
	start, end := int64(0), t.ends[i]
	if i > 0 {
		start = t.ends[i-1]
	}
	if start < t.at || end > t.at+int64(len(t.ahead)) {
		// Texts stand in the order in which cells first have them.
		size := max(end-start, min(64<<10, t.ends[len(t.ends)-1]-start))
		if int64(cap(t.ahead)) < size {
			t.ahead = make([]byte, size)
		}
		t.ahead, t.at = t.ahead[:size], start
		if _, err := t.file.ReadAt(t.ahead, start); err != nil {
			t.ahead = t.ahead[:0]
			return "", err
		}
	}
	return string(t.ahead[start-t.at : end-t.at]), nil
}

func (t *texts) close() error {
	err := t.file.Close()
	if t.temp != "" {
		err = errors.Join(err, os.Remove(t.temp))
	}
	return err
}

// escaped is how a text has a character that XML can't have, or an underscore that
// would begin this.
var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// unescape returns a text with the characters that it stands for. NUL stays as it is
// written.
func unescape(text string) string {
	return escaped.ReplaceAllStringFunc(text, func(s string) string {
		c, _ := strconv.ParseUint(s[2:6], 16, 16)
		if c == 0 || c >= 0xD800 && c < 0xE000 {
			return s
		}
		return string(rune(c))
	})
}
