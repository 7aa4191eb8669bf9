package exchange

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"unicode"
)

// maxText bounds, in characters, what is kept of a text that the tenant sent.
const maxText = 300

// clean returns s as it may stand in an error or a log: on one line, without
// characters that don't print, no longer than maxText, and without secret.
func clean(s, secret string) string {
	if secret != "" {
		s = strings.ReplaceAll(s, secret, "[token]")
	}
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = n > 0
			continue
		case !unicode.IsPrint(r):
			continue
		}
		if space {
			b.WriteByte(' ')
			n++
		}
		if n >= maxText {
			return strings.TrimSuffix(b.String(), " ") + "…"
		}
		b.WriteRune(r)
		n++
		space = false
	}
	return b.String()
}

var (
	htmlStart = regexp.MustCompile(`(?i)<(!doctype\s+html|html)[\s>]`)
	htmlTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
)

// isHTML reports whether body begins as a page does.
func isHTML(body []byte) bool {
	return bytes.HasPrefix(body, []byte("<")) && htmlStart.Match(body[:min(len(body), 1<<10)])
}

// describe returns the text of a body that is not JSON. Of a page that is its
// title: the rest is markup.
func describe(body []byte) string {
	if !isHTML(body) {
		return string(body)
	}
	m := htmlTitle.FindSubmatch(body[:min(len(body), 16<<10)])
	if m == nil || len(bytes.TrimSpace(m[1])) == 0 {
		return "an HTML page"
	}
	return "an HTML page, " + html.UnescapeString(string(m[1]))
}
