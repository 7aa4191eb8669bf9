package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"rollcall/pipeline/roster"
)

// A profile is a named set of values for flags, kept in a file such as
//
//	profiles:
//	  contoso:
//	    tenant: exchange
//	    organization: 11111111-2222-3333-4444-555555555555
//	    auth: certificate
//	    rate: 20
//
// Its keys are the long names of flags. Any other key is an error: a user who misspells a
// guard would believe that it works.
type profile struct {
	name, file string
	values     map[string]profileValue
}

// A profileValue is the value of a flag in a profile, and its line.
type profileValue struct {
	texts []string // more than one for a flag that can be repeated
	list  bool
	line  int
}

// configFile returns the default name of the file with profiles.
func configFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the configuration directory: %w", err)
	}
	return filepath.Join(dir, "rollcall", "rollcall.yaml"), nil
}

// readProfile reads the profile called name from file. A key that is not in flags is an
// error.
func readProfile(file, name string, flags []string) (*profile, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &noProfilesError{file}
	}
	if err != nil {
		return nil, err
	}
	var all map[string]map[string]yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	err = dec.Decode(&all)
	if err == nil && dec.Decode(new(yaml.Node)) != io.EOF {
		err = errors.New("the file has a second document")
	}
	if err != nil && err != io.EOF {
		text := strings.Join(strings.Fields(err.Error()), " ")
		if strings.Contains(text, "escape") || strings.Contains(text, "hexdecimal") { // yaml itself misspells it
			text += ": a backslash between double quotes begins an escape; write 'C:\\users', in single quotes"
		}
		return nil, fmt.Errorf("%s: want profiles by name under \"profiles:\": %s", file, text)
	}
	for key := range all {
		if key != "profiles" {
			return nil, fmt.Errorf("%s: unknown key %q: want \"profiles:\", and under it profiles by name", file, key)
		}
	}
	node, ok := all["profiles"][name]
	if !ok {
		return nil, &noProfileError{file, name, slices.Sorted(maps.Keys(all["profiles"]))}
	}
	p := &profile{name: name, file: file, values: make(map[string]profileValue)}
	if node.Kind == yaml.AliasNode {
		node = *node.Alias
	}
	if node.Kind != yaml.MappingNode {
		return nil, p.wrong(node.Line, errors.New("want flags and their values"))
	}
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if !slices.Contains(flags, key.Value) {
			err := fmt.Errorf("unknown key %q: want the long name of a flag", key.Value)
			if s := roster.Nearest(key.Value, flags); s != "" {
				err = fmt.Errorf("unknown key %q: did you mean %s?", key.Value, s)
			}
			return nil, p.wrong(key.Line, err)
		}
		if _, ok := p.values[key.Value]; ok {
			return nil, p.wrong(key.Line, fmt.Errorf("the key %s occurs twice", key.Value))
		}
		v, err := readValue(value)
		if err != nil {
			return nil, p.wrong(value.Line, fmt.Errorf("%s: %w", key.Value, err))
		}
		p.values[key.Value] = v
	}
	return p, nil
}

// readValue reads a value, or a list of values.
func readValue(n *yaml.Node) (profileValue, error) {
	v := profileValue{line: n.Line}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		v.texts = []string{n.Value}
		return v, nil
	case n.Kind != yaml.SequenceNode:
		return v, errors.New("want a value, or a list of values")
	}
	v.list = true
	for _, item := range n.Content {
		if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
			return v, errors.New("want a list of values")
		}
		v.texts = append(v.texts, item.Value)
	}
	return v, nil
}

// wrong returns err with the file, the line and the profile.
func (p *profile) wrong(line int, err error) error {
	return fmt.Errorf("%s: line %d: profile %q: %w", p.file, line, p.name, err)
}
