package xlsx

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	maxToken = 1 << 20 // bytes from one tag to the next
	maxDepth = 64      // elements in elements
)

// An element is one that begins.
type element struct {
	xml.StartElement
	depth int // 1 for the outermost
}

// attr returns an attribute, or "".
func (e *element) attr(name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// tokens reads the XML of a part.
type tokens struct {
	part  string
	body  io.ReadCloser
	xml   *xml.Decoder
	depth int
}

// tokens opens a part of at most a size.
func (b *Book) tokens(part string, most uint64) (*tokens, error) {
	f := b.parts[part]
	if f == nil {
		return nil, fmt.Errorf("%s is not in the file", part)
	}
	if f.UncompressedSize64 > most { // more than that it does not give
		return nil, fmt.Errorf("%s has %d MB, more than %d: this is not a workbook of users", part, f.UncompressedSize64>>20, most>>20)
	}
	packed := min(f.CompressedSize64, uint64(b.size)) // the zip file can say anything
	if f.UncompressedSize64 > ratioFrom && f.UncompressedSize64/maxRatio > packed {
		return nil, fmt.Errorf("%s has %d MB, packed into %d KB: this is not a workbook of users", part, f.UncompressedSize64>>20, packed>>10)
	}
	body, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", part, err)
	}
	return &tokens{part: part, body: body, xml: xml.NewDecoder(&plainXML{r: body, interrupt: b.interrupt})}, nil
}

// next returns the next token, or io.EOF behind the last.
func (t *tokens) next() (xml.Token, error) {
	token, err := t.xml.Token()
	switch token.(type) {
	case xml.StartElement:
		t.depth++
	case xml.EndElement:
		t.depth--
	}
	switch {
	case t.depth > maxDepth:
		return nil, t.wrong(errors.New("elements too deep in others"))
	case err == io.EOF:
		return nil, err
	case err != nil:
		return nil, t.wrong(err)
	}
	return token, nil
}

func (t *tokens) wrong(err error) error { return fmt.Errorf("%s is damaged: %w", t.part, err) }

func (t *tokens) close() { t.body.Close() }

// begin returns the next element of one of some names, or io.EOF if there is none.
func (t *tokens) begin(names ...string) (*element, error) {
	for {
		token, err := t.next()
		if err != nil {
			return nil, err
		}
		if start, ok := token.(xml.StartElement); ok && slices.Contains(names, start.Name.Local) {
			return &element{start, t.depth}, nil
		}
	}
}

// each calls f with each element of a part.
func (b *Book) each(part string, most uint64, f func(*element) error) error {
	t, err := b.tokens(part, most)
	if err != nil {
		return err
	}
	defer t.close()
	for {
		token, err := t.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok {
			if err := f(&element{start, t.depth}); err != nil {
				return err
			}
		}
	}
}

// content returns the text that is in the element that has just begun, all told.
func (t *tokens) content() (string, error) {
	var text []byte
	for inside := t.depth; t.depth >= inside; {
		token, err := t.within()
		if err != nil {
			return "", err
		}
		if token, ok := token.(xml.CharData); ok {
			if text = append(text, token...); len(text) > maxToken {
				return "", t.wrong(errors.New("a text without end"))
			}
		}
	}
	return string(text), nil
}

// richText returns the text of the cell that has just begun, whose parts may be
// formatted each for itself, without what says how to pronounce it.
func (t *tokens) richText() (string, error) {
	var text []byte
	for inside := t.depth; t.depth >= inside; {
		token, err := t.within()
		if err != nil {
			return "", err
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "t" && start.Name.Local != "rPh" {
			continue
		}
		part, err := t.content()
		if err != nil {
			return "", err
		}
		if start.Name.Local == "t" {
			text = append(text, part...)
		}
		if len(text) > maxToken {
			return "", t.wrong(errors.New("a text without end"))
		}
	}
	return unescape(string(text)), nil
}

// within is next, for where the file can't end.
func (t *tokens) within() (xml.Token, error) {
	token, err := t.next()
	if err == io.EOF {
		err = t.wrong(io.ErrUnexpectedEOF)
	}
	return token, err
}

var errNoWorkbook = errors.New("it has XML as Excel does not write it: open the file in Excel, and save it")

// plainXML is XML of which each token takes a bounded amount of memory: without
// declarations and comments, which no workbook has, and with a tag at least every
// maxToken bytes.
type plainXML struct {
	r         io.Reader
	interrupt func() error

	at     int64 // offset of the next byte
	since  int   // bytes since the last tag began
	last   byte
	inside bool // <?xml ... ?>
}

func (p *plainXML) Read(b []byte) (int, error) {
	if err := p.interrupt(); err != nil { // a little of the file can be much XML
		return 0, err
	}
	n, err := p.r.Read(b)
	for _, c := range b[:n] {
		switch {
		case p.last == '<' && (c == '!' || c == '?'):
			if c == '!' || p.at > 4 { // behind a byte order mark, at most
				return 0, errNoWorkbook
			}
			p.inside = true
		case p.inside && c == '>':
			if p.last != '?' {
				return 0, errNoWorkbook
			}
			p.inside = false
		case c == '<' && !p.inside:
			p.since = 0
		}
		if p.since++; p.since > maxToken {
			return 0, errors.New("XML without a tag for too long")
		}
		p.last = c
		p.at++
	}
	return n, err
}

// A limitedReaderAt gives no more than so many bytes, all together, or without end if
// left is negative, and none once there is an interrupt.
type limitedReaderAt struct {
	r         io.ReaderAt
	left      int64
	interrupt func() error
}

func (l *limitedReaderAt) ReadAt(b []byte, offset int64) (int, error) {
	if err := l.interrupt(); err != nil {
		return 0, err
	}
	if l.left >= 0 {
		if int64(len(b)) > l.left {
			return 0, errors.New("a directory without end")
		}
		l.left -= int64(len(b))
	}
	return l.r.ReadAt(b, offset)
}
