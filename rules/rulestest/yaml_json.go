package rulestest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits of an event that is written as YAML.
const (
	maxLine  = 1 << 20 // bytes of the line, as in an agent
	maxDepth = 200
)

// jsonLine writes a YAML value as compact JSON, keys in their order.
func jsonLine(n *yaml.Node) (string, error) {
	var w jsonWriter
	if err := w.value(n, 0); err != nil {
		return "", err
	}
	return w.b.String(), nil
}

type jsonWriter struct{ b strings.Builder }

func (w *jsonWriter) value(n *yaml.Node, depth int) error {
	switch {
	case depth > maxDepth:
		return fmt.Errorf("it is nested deeper than %d", maxDepth)
	case w.b.Len() > maxLine:
		return fmt.Errorf("it is longer than %d bytes", maxLine)
	}
	switch n = resolve(n); n.Kind {
	case yaml.MappingNode:
		return w.object(n, depth)
	case yaml.SequenceNode:
		w.b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				w.b.WriteByte(',')
			}
			if err := w.value(item, depth+1); err != nil {
				return err
			}
		}
		w.b.WriteByte(']')
		return nil
	case yaml.ScalarNode:
		return w.scalar(n)
	default:
		return errors.New("it must be a mapping, a list or a scalar")
	}
}

func (w *jsonWriter) object(n *yaml.Node, depth int) error {
	pairs, err := merged(n, 0)
	if err != nil {
		return err
	}
	w.b.WriteByte('{')
	for i, p := range pairs {
		if i > 0 {
			w.b.WriteByte(',')
		}
		w.b.WriteString(quoted(p.key))
		w.b.WriteByte(':')
		if err := w.value(p.value, depth+1); err != nil {
			return err
		}
	}
	w.b.WriteByte('}')
	return nil
}

type pair struct {
	key   string
	value *yaml.Node
}

// merged gives the pairs of a mapping, those of "<<" behind its own where it has not got them.
func merged(n *yaml.Node, depth int) ([]pair, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("\"<<\" is nested deeper than %d", maxDepth)
	}
	var pairs []pair
	var bases []*yaml.Node
	has := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf("line %d: a key must be a text", n.Content[i].Line)
		case key.ShortTag() == "!!merge":
			if base := resolve(value); base.Kind == yaml.SequenceNode {
				bases = append(bases, base.Content...)
			} else {
				bases = append(bases, base)
			}
			continue
		case has[key.Value]:
			return nil, fmt.Errorf("line %d: key %q stands twice", key.Line, cut(key.Value))
		}
		has[key.Value] = true
		pairs = append(pairs, pair{key.Value, value})
	}
	for _, base := range bases {
		if base = resolve(base); base.Kind != yaml.MappingNode {
			return nil, errors.New("\"<<\" must name a mapping")
		}
		more, err := merged(base, depth+1)
		if err != nil {
			return nil, err
		}
		for _, p := range more {
			if !has[p.key] {
				has[p.key] = true
				pairs = append(pairs, p)
			}
		}
	}
	return pairs, nil
}

// scalar writes numbers as they stand where JSON has the form, and whatever YAML takes for a date as text.
func (w *jsonWriter) scalar(n *yaml.Node) error {
	switch n.ShortTag() {
	case "!!null":
		w.b.WriteString("null")
	case "!!bool":
		var v bool
		if err := n.Decode(&v); err != nil {
			return fmt.Errorf("line %d: %q is no truth value", n.Line, cut(n.Value))
		}
		w.b.WriteString(strconv.FormatBool(v))
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			w.b.WriteString(n.Value)
			return nil
		}
		var v any
		if err := n.Decode(&v); err != nil {
			return fmt.Errorf("line %d: %q is no number", n.Line, cut(n.Value))
		}
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("line %d: JSON has no number %q; put it in quotes", n.Line, cut(n.Value))
		}
		w.b.Write(text)
	default:
		w.b.WriteString(quoted(n.Value))
	}
	return nil
}

// quoted is a text as JSON.
func quoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""` // a string can always be encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// scalarOf finds a scalar value of a mapping.
func scalarOf(n *yaml.Node, key string) (string, bool) {
	n = resolve(n)
	pairs, err := merged(n, 0)
	if err != nil {
		return "", false
	}
	for _, p := range pairs {
		if v := resolve(p.value); p.key == key && v.Kind == yaml.ScalarNode {
			return v.Value, true
		}
	}
	return "", false
}
