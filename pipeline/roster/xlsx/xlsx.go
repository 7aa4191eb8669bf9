// Package xlsx reads the rows of one sheet of an Excel workbook (.xlsx), as text.
//
// [Open] reads what the workbook has of itself: its sheets, its formats, its texts.
// [Book.Rows] then reads a sheet from its beginning, row by row. Whatever the file
// holds, memory is bounded: nothing is kept of a row that was read, the texts that
// cells share are in a temporary file, and a part that is larger than any workbook
// of users, or built to be costly, is an error. So is all that is not certain, such
// as a formula whose value is not in the file: nothing is guessed.
//
//	zip -> parts -> XML tokens -> rows -> text
//	                                       ^
//	          shared texts, number formats
//
// A text is given to the letter, and a number as its format shows it, so that a date
// is a date and 00042 is not 42. That alone takes a library: what format codes mean.
package xlsx

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Bounds of a workbook, in bytes of XML.
const (
	maxDirectory = 8 << 20   // of the zip file
	maxPart      = 8 << 20   // of a part that is not one of these:
	maxTexts     = 512 << 20 // the texts that cells share
	maxSheet     = 1 << 30
)

// A part of more than ratioFrom bytes may have maxRatio times the bytes that it has in
// the zip file. A sheet of users has 10 to 70 times, one whose rows are all the same up
// to 260, and one of a single element, over and over, 1000.
const (
	ratioFrom = 50 << 20
	maxRatio  = 300
)

// A Sheet is what a workbook says of one of its sheets.
type Sheet struct {
	Name   string
	Hidden bool
	part   string
}

// A Book is an open workbook. It is for one goroutine.
type Book struct {
	Sheets []Sheet // those that have cells, in the order of the tabs

	size      int64
	interrupt func() error

	parts   map[string]*zip.File // by name, in lower case
	texts   *texts
	formats *formats
}

// Open opens the workbook that r is, of a size. The caller has to close it. Here and in
// all reading later interrupt is called over and over, be there rows or not: if it returns
// an error, reading ends with it.
func Open(r io.ReaderAt, size int64, interrupt func() error) (*Book, error) {
	limited := &limitedReaderAt{r, maxDirectory, interrupt}
	z, err := zip.NewReader(limited, size)
	if err != nil {
		return nil, fmt.Errorf("the file is a zip file, as Excel workbooks (.xlsx) are, and it is damaged: %w", err)
	}
	limited.left = -1
	b := &Book{size: size, interrupt: interrupt, parts: make(map[string]*zip.File)}
	for _, f := range z.File {
		if name := partName(f.Name); b.parts[name] == nil {
			b.parts[name] = f
		}
	}
	if err := b.open(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Close removes what Open has made.
func (b *Book) Close() error {
	if b.texts == nil {
		return nil
	}
	return b.texts.close()
}

func (b *Book) open() error {
	root, err := b.relations("")
	if err != nil {
		return err
	}
	main := root.ofType("officeDocument")
	switch {
	case b.parts["mimetype"] != nil && b.parts["content.xml"] != nil:
		return errors.New("the file is an OpenDocument spreadsheet (.ods): save it as .xlsx, or as CSV UTF-8")
	case strings.HasSuffix(main, ".bin"):
		return errors.New("the file is a binary workbook (.xlsb): in Excel, save it as .xlsx, or as CSV UTF-8")
	case main == "" || b.parts[main] == nil:
		return errors.New("the file is a zip file, and not an Excel workbook (.xlsx): unpack it first")
	}
	rels, err := b.relations(main)
	if err != nil {
		return err
	}
	date1904, err := b.readWorkbook(main, rels)
	if err != nil {
		return err
	}
	if b.formats, err = b.readFormats(rels.ofType("styles"), date1904); err != nil {
		return err
	}
	b.texts, err = b.readTexts(rels.ofType("sharedStrings"))
	return err
}

// readWorkbook reads the names of the sheets, and whether days count from 1904.
func (b *Book) readWorkbook(part string, rels relations) (date1904 bool, err error) {
	err = b.each(part, maxPart, func(e *element) error {
		switch e.Name.Local {
		case "workbookPr":
			date1904 = isTrue(e.attr("date1904"))
		case "sheet":
			rel, ok := rels[e.attr("id")]
			if !ok || b.parts[rel.target] == nil {
				return fmt.Errorf("sheet %q is not in the file", e.attr("name"))
			}
			if rel.kind == "worksheet" {
				state := e.attr("state")
				b.Sheets = append(b.Sheets, Sheet{e.attr("name"), state != "" && state != "visible", rel.target})
			}
		}
		return nil
	})
	if err == nil && len(b.Sheets) == 0 {
		err = errors.New("the workbook has no sheet with cells")
	}
	return date1904, err
}

// relations say which part of a workbook is which, by ID.
type relations map[string]relation

type relation struct{ kind, target string }

// relations returns those of a part, "" for the workbook itself.
func (b *Book) relations(part string) (relations, error) {
	all := make(relations)
	dir, base := path.Split(part)
	name := dir + "_rels/" + base + ".rels"
	if b.parts[name] == nil {
		return all, nil
	}
	return all, b.each(name, maxPart, func(e *element) error {
		if e.Name.Local != "Relationship" || e.attr("TargetMode") == "External" {
			return nil
		}
		target := e.attr("Target")
		if !strings.HasPrefix(target, "/") {
			target = dir + target
		}
		all[e.attr("Id")] = relation{path.Base(e.attr("Type")), partName(path.Clean(target))}
		return nil
	})
}

// ofType returns the part of a kind, or "".
func (r relations) ofType(kind string) string {
	for _, rel := range r {
		if rel.kind == kind {
			return rel.target
		}
	}
	return ""
}

// partName returns the name by which a part is looked up.
func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

func isTrue(s string) bool { return s == "1" || s == "true" }
