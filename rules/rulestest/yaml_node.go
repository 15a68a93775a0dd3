package rulestest

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for range 8 {
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			return n
		}
		n = n.Alias
	}
	return n
}

// mapping gives the values of a mapping by key; nil if it is none. Keys that are not known, or stand twice, are
// mistakes.
func (r *yamlReader) mapping(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	at := n
	if n = resolve(n); n.Kind != yaml.MappingNode {
		r.errorf(at, "%s must be a mapping of %s", what, strings.Join(known, ", "))
		return nil
	}
	values := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case !slices.Contains(known, key.Value):
			r.errorf(key, "unknown key %q; %s may have %s", cut(key.Value), what, strings.Join(known, ", "))
		case values[key.Value] != nil:
			r.errorf(key, "%s has %q twice; keep one", what, key.Value)
		default:
			values[key.Value] = n.Content[i+1]
		}
	}
	return values
}

func (r *yamlReader) sequence(n *yaml.Node, what string) []*yaml.Node {
	at := n
	if n = resolve(n); n.Kind != yaml.SequenceNode {
		r.errorf(at, "%s must be a list: items that begin with \"- \", or [a, b]", what)
		return nil
	}
	return n.Content
}

// text reads a scalar as it is written: 007 stays 007.
func (r *yamlReader) text(n *yaml.Node, what string) string {
	at := n
	if n = resolve(n); n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		r.errorf(at, "%s must be a text", what)
		return ""
	}
	return n.Value
}

func (r *yamlReader) number(n *yaml.Node, what string, lowest, highest int) int {
	text := resolve(n).Value
	i, err := strconv.Atoi(text)
	if err != nil || resolve(n).Kind != yaml.ScalarNode || i < lowest || i > highest {
		r.errorf(n, "%s %q is no number from %d to %d", what, cut(text), lowest, highest)
		return lowest
	}
	return i
}

func (r *yamlReader) texts(n *yaml.Node, what string) []string {
	var all []string
	for _, item := range r.sequence(n, what) {
		all = append(all, r.text(item, what))
	}
	return all
}
