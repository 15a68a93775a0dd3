package daemon

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// documentCheck finds what of a document a type does not take: unknown keys, keys given twice, values of another form.
type documentCheck struct {
	file     string // empty: the document is a variable's value, which may be a secret
	problems []error
}

func (c *documentCheck) add(n *yaml.Node, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if c.file != "" {
		err = fmt.Errorf("%s:%d: %w", c.file, n.Line, err)
	}
	c.problems = append(c.problems, err)
}

func (c *documentCheck) node(n *yaml.Node, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Kind == yaml.DocumentNode:
		for _, child := range n.Content {
			c.node(child, t, path)
		}
	case n.Kind == yaml.AliasNode:
		c.add(n, "*%s: write the value out, aliases are not taken", n.Value)
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null": // leaves the default
	case decodesItself(t) || t.Kind() == reflect.Interface:
		c.value(n, t, path)
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Array:
		if n.Kind != yaml.SequenceNode {
			c.wrong(n, path, "a list: [a, b], or one entry a line after a dash")
			return
		}
		for i, child := range n.Content {
			c.node(child, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case t.Kind() == reflect.Struct || t.Kind() == reflect.Map:
		if n.Kind != yaml.MappingNode {
			c.wrong(n, path, "key: value, one a line and indented below")
			return
		}
		c.mapping(n, t, path)
	default:
		c.value(n, t, path)
	}
}

// wrong says that a value has another form than its key wants.
func (c *documentCheck) wrong(n *yaml.Node, path, want string) {
	switch {
	case path != "":
	case c.file == "":
		path = "its value"
	default:
		path = "the file"
	}
	switch {
	case n.Kind == yaml.SequenceNode:
		c.add(n, "%s: a list is not taken here; write %s", path, want)
	case n.Kind == yaml.MappingNode:
		c.add(n, "%s: keys are not taken here; write %s", path, want)
	case c.file == "":
		c.add(n, "%s: not a value of this form; write %s", path, want)
	default:
		c.add(n, "%s: %.60q is not taken here; write %s", path, n.Value, want)
	}
}

// forms says how a value of a type is written.
func forms(t reflect.Type) string {
	if t == durationType {
		return "a duration, such as 30s, 5m or 24h"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, not negative"
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		return "one text, in quotes if it holds special characters"
	}
}

// value tries a single value.
func (c *documentCheck) value(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.ScalarNode && !decodesItself(t) && t.Kind() != reflect.Interface {
		c.wrong(n, path, forms(t))
		return
	}
	err := n.Decode(reflect.New(t).Interface())
	if err == nil {
		return
	}
	var typed *yaml.TypeError
	if errors.As(err, &typed) || c.file == "" {
		c.wrong(n, path, forms(t))
		return
	}
	c.add(n, "%s: %w", path, err)
}

func (c *documentCheck) mapping(n *yaml.Node, t reflect.Type, path string) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if line, twice := seen[key.Value]; twice {
			c.add(key, "key %q is given twice, first in line %d: remove one", join(path, key.Value), line)
			continue
		}
		seen[key.Value] = key.Line
		if t.Kind() == reflect.Map {
			c.node(value, t.Elem(), join(path, key.Value))
		} else {
			c.key(key, value, fieldsOf(t), path)
		}
	}
}

func (c *documentCheck) key(key, value *yaml.Node, fields []field, path string) {
	known := make([]string, 0, len(fields))
	for _, f := range fields {
		if f.key == key.Value {
			c.node(value, f.typ, join(path, f.key))
			return
		}
		known = append(known, f.key)
	}
	if near := nearest(key.Value, known); near != "" {
		c.add(key, "unknown key %q: did you mean %q?", join(path, key.Value), near)
		return
	}
	slices.Sort(known)
	c.add(key, "unknown key %q: known here are %s", join(path, key.Value), strings.Join(known, ", "))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
