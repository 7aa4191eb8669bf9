package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"rollcall/pipeline/roster"
)

// A parser makes a File of a text, and notes everything that is wrong with it.
type parser struct {
	name   string
	read   func(name string) ([]byte, error)
	file   *File
	faults FaultsError
}

func (p *parser) fault(at string, err error) { p.faults = append(p.faults, Fault{at, err}) }

// at returns where a node stands.
func (p *parser) at(n *yaml.Node) string { return fmt.Sprintf("%s: line %d", p.name, n.Line) }

// parse reads the text. If it is no YAML at all there is no file.
func (p *parser) parse(text []byte) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	err := dec.Decode(&doc)
	if err == nil && dec.Decode(new(yaml.Node)) != io.EOF {
		err = errors.New("there is a second document")
	}
	if err != nil {
		if err == io.EOF {
			err = errors.New("it is empty")
		}
		p.fault(p.name, errors.New(strings.Join(strings.Fields(err.Error()), " ")))
		p.file = nil
		return
	}
	known := map[string]func(*yaml.Node){
		"name":         p.text(&p.file.Name),
		"run":          p.text(&p.file.Run),
		"parallel":     p.parallel,
		"takeover":     p.takeover,
		"flags":        func(n *yaml.Node) { p.file.Flags = p.flags(n) },
		"tenants":      p.tenants,
		"tenants-from": p.tenantsFrom,
	}
	top := target(doc.Content[0])
	has := p.mapping(top, "a fleet file", known)
	if top.Kind != yaml.MappingNode {
		return
	}
	f := p.file
	if err := checkName(f.Name); err != nil && has["name"] {
		p.fault(p.name, err)
	} else if !has["name"] {
		p.fault(p.name, errors.New("no name: want name: NAME"))
	}
	if !slices.Contains(runs, f.Run) {
		p.fault(p.name, fmt.Errorf("run %q: want %s", f.Run, strings.Join(runs, ", ")))
	}
	switch {
	case has["tenants"] && has["tenants-from"]:
		p.fault(p.name, errors.New("tenants and tenants-from: want one of them"))
	case len(f.Tenants) == 0 && p.faults == nil:
		p.fault(p.name, errors.New("no tenants: want tenants: with one at least, or tenants-from: FILE.csv"))
	}
}

// target returns what an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// mapping calls of known what belongs to each key of a mapping, and notes the keys
// that are not known or there twice. It returns those that are there.
func (p *parser) mapping(n *yaml.Node, what string, known map[string]func(*yaml.Node)) (has map[string]bool) {
	has = make(map[string]bool)
	if n.Kind != yaml.MappingNode {
		p.fault(p.at(n), fmt.Errorf("want %s to be keys and values", what))
		return has
	}
	var names []string
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], target(n.Content[i+1])
		take, ok := known[key.Value]
		switch {
		case !ok:
			p.fault(p.at(key), unknownKey(key.Value, names))
		case has[key.Value]:
			p.fault(p.at(key), fmt.Errorf("%s is there twice", key.Value))
		default:
			has[key.Value] = true
			take(value)
		}
	}
	return has
}

func unknownKey(key string, names []string) error {
	if isCredential(key) {
		return fmt.Errorf("%q: %w", key, errCredential)
	}
	if s := roster.Nearest(key, names); s != "" {
		return fmt.Errorf("unknown key %q: did you mean %s?", key, s)
	}
	return fmt.Errorf("unknown key %q: want %s", key, strings.Join(names, ", "))
}

// text returns what takes a text.
func (p *parser) text(to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			p.fault(p.at(n), errors.New("want a text"))
			return
		}
		*to = n.Value
		if looksSecret(n.Value) {
			p.fault(p.at(n), errCredential)
		}
	}
}

func (p *parser) parallel(n *yaml.Node) {
	var text string
	p.text(&text)(n)
	v, err := strconv.Atoi(text)
	if err != nil || v < 1 || v > maxParallel {
		p.fault(p.at(n), fmt.Errorf("parallel %q: want 1 to %d tenants at once", text, maxParallel))
		return
	}
	p.file.Parallel = v
}

func (p *parser) takeover(n *yaml.Node) {
	var text string
	p.text(&text)(n)
	d, err := time.ParseDuration(text)
	if err != nil || d < minTakeover || d > maxTakeover {
		p.fault(p.at(n), fmt.Errorf("takeover %q: want a duration from %v to %v", text, minTakeover, maxTakeover))
		return
	}
	p.file.Takeover = d
}

// flags reads flags and their values.
func (p *parser) flags(n *yaml.Node) (all []Flag) {
	if n.Kind != yaml.MappingNode {
		p.fault(p.at(n), errors.New("flags: want names of flags and their values"))
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], target(n.Content[i+1])
		flag := Flag{Name: key.Value, At: p.at(key)}
		items := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			flag.List, items = true, value.Content
		}
		ok := len(items) > 0
		for _, item := range items {
			if item = target(item); item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
				ok = false
				break
			}
			flag.Values = append(flag.Values, item.Value)
		}
		switch {
		case !ok:
			p.fault(flag.At, fmt.Errorf("flag %s: want a value, or a list of values", flag.Name))
		case slices.ContainsFunc(all, func(f Flag) bool { return f.Name == flag.Name }):
			p.fault(flag.At, fmt.Errorf("flag %s is there twice", flag.Name))
		case p.mayStand(flag):
			all = append(all, flag)
		}
	}
	return all
}

// mayStand refuses what must not stand in a file that others read.
func (p *parser) mayStand(f Flag) bool {
	if isCredential(f.Name) || slices.ContainsFunc(f.Values, looksSecret) {
		p.fault(f.At, fmt.Errorf("flag %s: %w", f.Name, errCredential))
		return false
	}
	return true
}

func (p *parser) tenants(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		p.fault(p.at(n), errors.New("tenants: want a list"))
		return
	}
	for _, item := range n.Content {
		item = target(item)
		t := Tenant{At: p.at(item)}
		p.mapping(item, "a tenant", map[string]func(*yaml.Node){
			"name":    p.text(&t.Name),
			"profile": p.text(&t.Profile),
			"roster":  p.text(&t.Roster),
			"flags":   func(n *yaml.Node) { t.Flags = p.flags(n) },
		})
		if item.Kind == yaml.MappingNode {
			p.checkTenant(&t)
			p.file.Tenants = append(p.file.Tenants, t)
		}
	}
}

var errCredential = errors.New("credentials don't belong in a fleet file: a profile, or the environment of who runs it, says how to sign in")

// isCredential reports whether a key is of something secret, and not of a file that
// has it.
func isCredential(key string) bool {
	key = strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(key))
	if strings.HasSuffix(key, "file") {
		return false
	}
	return slices.ContainsFunc([]string{"password", "passphrase", "secret", "token", "credential", "apikey", "privatekey"}, func(word string) bool {
		return strings.Contains(key, word)
	})
}

// tokenText is how a signed token begins.
var tokenText = regexp.MustCompile(`^(?i:bearer )?eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.`)

// looksSecret reports whether a value is a token, a key, or a URL with a password.
func looksSecret(value string) bool {
	if strings.Contains(value, "-----BEGIN") || tokenText.MatchString(strings.TrimSpace(value)) {
		return true
	}
	u, err := url.Parse(value)
	if err != nil || u.User == nil {
		return false
	}
	_, has := u.User.Password()
	return has
}
