package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

var (
	yamlLine   = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): (.*)$`)
	yamlAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// located puts the file and line before each of a YAML error's texts, and the remedy behind it.
func located(file string, content []byte, err error) error {
	var typed *yaml.TypeError
	texts := []string{err.Error()}
	if errors.As(err, &typed) {
		texts = typed.Errors
	}
	problems := make([]error, 0, len(texts))
	for _, text := range texts {
		line := 1 // the YAML package leaves the first line's number out
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				line = n
			}
			text = m[2]
		} else if offset := offending(content, text); offset >= 0 {
			line = 1 + bytes.Count(content[:offset], []byte("\n"))
		}
		text = strings.TrimPrefix(text, "yaml: ")
		problems = append(problems, fmt.Errorf("%s:%d: %s: %s", file, line, text, remedy(content, line, text)))
	}
	return errors.Join(problems...)
}

// offending finds the place of an error that the YAML package reports without a line; negative: it does not say.
func offending(content []byte, text string) int {
	if m := yamlAnchor.FindStringSubmatch(text); m != nil {
		return bytes.Index(content, []byte("*"+m[1]))
	}
	if strings.Contains(text, "control characters") {
		return bytes.IndexFunc(content, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r) })
	}
	return -1
}

// remedy says what to do about what the YAML package does not like.
func remedy(content []byte, line int, text string) string {
	lines := bytes.Split(content, []byte("\n"))
	if line <= len(lines) {
		if indent := lines[line-1][:len(lines[line-1])-len(bytes.TrimLeft(lines[line-1], " \t"))]; bytes.ContainsRune(indent, '\t') {
			return "indent with blanks, not with tabs"
		}
	}
	switch {
	case strings.Contains(text, "control characters"), strings.Contains(text, "UTF-8"), strings.Contains(text, "UTF-16"):
		return "write the file as UTF-8 text"
	case strings.Contains(text, "anchor"):
		return "write the value out, aliases are not taken; or put a text that begins with * into quotes"
	case strings.Contains(text, "mapping values are not allowed"):
		return `put a text that holds ": " into quotes, and check the indentation`
	}
	return "check the indentation, quotes and brackets here and in the lines before"
}

// origin is where a configuration came from.
type origin struct {
	file      string
	document  *yaml.Node // nil: empty, or no file
	variables map[string]bool
}

// place puts before each error of a Validate method the place of the setting that it begins with: the variable that set it, or
// file and line.
func (o origin) place(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		parts := joined.Unwrap()
		placed := make([]error, 0, len(parts))
		for _, part := range parts {
			placed = append(placed, o.place(part))
		}
		return errors.Join(placed...)
	}
	path := leadingPath(err.Error())
	for n := len(path); n > 0; n-- {
		name := strings.ToUpper(envPrefix + strings.Join(path[:n], "_"))
		for _, name := range []string{name, name + envFileSuffix} {
			if o.variables[name] {
				return fmt.Errorf("environment variable %s: %w", name, err)
			}
		}
	}
	if o.file == "" {
		return err
	}
	if line := lineOf(o.document, path); line > 0 {
		return fmt.Errorf("%s:%d: %w", o.file, line, err)
	}
	return fmt.Errorf("%s: %w", o.file, err)
}

var pathWord = regexp.MustCompile(`^[a-z][a-z0-9_]*(?:\[\d+\])?(?:\.[a-z][a-z0-9_]*(?:\[\d+\])?)*`)

// leadingPath reads the setting that a text begins with: `nats.url ...`, `nats: url ...`, `inputs[1].path: ...`. It may take a
// word more than the path has.
func leadingPath(text string) (path []string) {
	for {
		word := pathWord.FindString(text)
		if word == "" {
			return path
		}
		path = append(path, strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune(".[]", r) })...)
		rest, ok := strings.CutPrefix(text[len(word):], ": ")
		if !ok {
			return path
		}
		text = rest
	}
}

// lineOf is the line of the deepest setting on a path that a document holds; 0: it does not even hold the first.
func lineOf(n *yaml.Node, path []string) int {
	if n == nil {
		return 0
	}
	if n.Kind == yaml.DocumentNode {
		return lineOf(n.Content[0], path)
	}
	if len(path) == 0 {
		return 0
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == path[0] {
				return max(n.Content[i].Line, lineOf(n.Content[i+1], path[1:]))
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(path[0]); err == nil && i < len(n.Content) {
			return max(n.Content[i].Line, lineOf(n.Content[i], path[1:]))
		}
	}
	return 0
}
