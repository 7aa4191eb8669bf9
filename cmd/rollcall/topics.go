package main

import (
	"embed"
	"io"
	"strings"
)

// topicFiles hold the help topics, which explain what concerns several commands.
//
//go:embed help/*.md
var topicFiles embed.FS

// topics returns the names of all topics of help, sorted.
func topics() []string {
	entries, err := topicFiles.ReadDir("help")
	if err != nil {
		panic("topics: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".md"))
	}
	return names
}

// showTopic prints the topic called name, and reports whether there is one.
func showTopic(name string, w io.Writer) (ok bool, err error) {
	text, err := topicFiles.ReadFile("help/" + name + ".md")
	if err != nil {
		return false, nil
	}
	_, err = w.Write(text)
	return true, err
}
