package rest

import (
	"bytes"
	"html"
	"regexp"
)

var (
	htmlStart = regexp.MustCompile(`(?i)<(!doctype\s+html|html)[\s>]`)
	htmlTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
)

// IsHTML reports whether body begins as a page does.
func IsHTML(body []byte) bool {
	return bytes.HasPrefix(body, []byte("<")) && htmlStart.Match(body[:min(len(body), 1<<10)])
}

// Describe returns the text of a body that is not JSON. Of a page that is its
// title: the rest is markup.
func Describe(body []byte) string {
	if !IsHTML(body) {
		return string(body)
	}
	m := htmlTitle.FindSubmatch(body[:min(len(body), 16<<10)])
	if m == nil || len(bytes.TrimSpace(m[1])) == 0 {
		return "an HTML page"
	}
	return "an HTML page, " + html.UnescapeString(string(m[1]))
}
