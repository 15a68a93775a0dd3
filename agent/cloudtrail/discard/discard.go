// Package discard leaves out records that nobody wants evaluated, by patterns over their fields. It reads a record's own JSON where
// it stands, without taking it apart; what it leaves out is counted.
package discard

import (
	"fmt"
	"regexp"
	"strings"
)

// Rule leaves out the records whose field matches.
type Rule struct {
	// Field by its path, such as userIdentity.type. A list stands for each of its elements.
	Field string `yaml:"field"`
	// Regex is a Go regular expression; the field's text must match some part of it. Strings are matched without their quotes, as
	// they stand in the JSON; other values as JSON text.
	Regex string `yaml:"regex"`
}

// Filter is a list of rules; a record that one of them matches is left out.
type Filter struct{ rules []rule }

type rule struct {
	path    []string
	pattern *regexp.Regexp
}

// New compiles rules. An error names the rule, from 0.
func New(rules []Rule) (*Filter, error) {
	f := &Filter{}
	for i, r := range rules {
		if r.Field == "" {
			return nil, fmt.Errorf("[%d].field: missing", i)
		}
		if r.Regex == "" {
			return nil, fmt.Errorf("[%d].regex: missing; it would leave out everything", i)
		}
		pattern, err := regexp.Compile(r.Regex)
		if err != nil {
			return nil, fmt.Errorf("[%d].regex: %w", i, err)
		}
		f.rules = append(f.rules, rule{strings.Split(r.Field, "."), pattern})
	}
	return f, nil
}

// Match says whether a record is left out. Its text must be compact, correct JSON; one that is cut off is never left out by what is
// behind the cut.
func (f *Filter) Match(text []byte) bool {
	if f == nil {
		return false
	}
	for i := range f.rules {
		if _, found := f.rules[i].value(text, 0, f.rules[i].path); found {
			return true
		}
	}
	return false
}

// value looks at the value at i, of which path remains, and returns where it ends. At the end of text it ends too.
func (r *rule) value(text []byte, i int, path []string) (end int, found bool) {
	if i >= len(text) {
		return i, false
	}
	switch {
	case text[i] == '[':
		return r.list(text, i+1, path)
	case text[i] == '{' && len(path) > 0:
		return r.object(text, i+1, path)
	}
	end = skip(text, i)
	if len(path) > 0 {
		return end, false
	}
	value := text[i:end]
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	return end, r.pattern.Match(value)
}

func (r *rule) list(text []byte, i int, path []string) (int, bool) {
	for i < len(text) && text[i] != ']' {
		end, found := r.value(text, i, path)
		if found || end >= len(text) {
			return end, found
		}
		if text[end] == ',' {
			end++
		}
		if end == i { // no JSON
			return len(text), false
		}
		i = end
	}
	return i + 1, false
}

func (r *rule) object(text []byte, i int, path []string) (int, bool) {
	for i < len(text) && text[i] == '"' {
		end := skip(text, i)
		if end >= len(text) {
			return end, false
		}
		key, rest := string(text[i+1:end-1]), path[len(path):]
		// A key may hold dots itself, so each way of joining is tried.
		match := false
		for n := 1; n <= len(path) && !match; n++ {
			if strings.Join(path[:n], ".") == key {
				match, rest = true, path[n:]
			}
		}
		i = end + 1 // behind the colon
		if match {
			var found bool
			if i, found = r.value(text, i, rest); found {
				return i, true
			}
		} else {
			i = skip(text, i)
		}
		if i < len(text) && text[i] == ',' {
			i++
		}
	}
	return i + 1, false
}

// skip returns where the value at i ends.
func skip(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch c := text[i]; c {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			i++
			if depth == 0 {
				return min(i, len(text))
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of what is around
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return len(text)
}
