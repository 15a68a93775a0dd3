package rulestest

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Case is a test as its file says it, to be shown.
type Case struct {
	// File, Line and Name of the test, as in Result.
	File string
	Line int
	Name string
	// Events in order.
	Events []CaseEvent
}

// CaseEvent is one event of a test.
type CaseEvent struct {
	// Log is the line.
	Log string
	// After is the time that passes before it, and before each repetition.
	After time.Duration
	// Repeat is how many times it comes; the last is judged.
	Repeat int
	// Wants is what it must end in, in order; none: it is not judged.
	Wants []Want
}

// Want is one expectation of an event.
type Want struct {
	// Key is rule, level, not and so on.
	Key string
	// Text is the value in one line.
	Text string
}

// Rules are the numbers of the rules that the expectation names.
func (w Want) Rules() []int {
	switch w.Key {
	case "rule", "suppressed_by", "not":
	default:
		return nil
	}
	var ids []int
	for text := range strings.SplitSeq(w.Text, ", ") {
		if id, err := strconv.Atoi(text); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// Names tells whether the test is about a rule: an expectation names it. Fires: the rule must fire.
func (c *Case) Names(rule int) (named, fires bool) {
	for _, e := range c.Events {
		for _, w := range e.Wants {
			if slices.Contains(w.Rules(), rule) {
				named, fires = true, fires || w.Key == "rule"
			}
		}
	}
	return named, fires
}

// Cases reads the tests in data, the content of the file called name, and runs nothing. The error is about the file's form.
func Cases(name string, data []byte) ([]Case, error) {
	parse := parseINI
	if IsYAML(name) {
		parse = parseYAML
	}
	tests, err := parse(name, data)
	if err != nil {
		return nil, err
	}
	cases := make([]Case, 0, len(tests))
	for _, t := range tests {
		c := Case{File: name, Line: t.line, Name: t.name}
		for _, e := range t.events {
			c.Events = append(c.Events, CaseEvent{Log: e.event.Log, After: e.after, Repeat: e.repeat, Wants: e.wants})
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// Folder and File are where a ruleset keeps its tests, beside rules/ and decoders/.
const (
	Folder = "tests"
	File   = "tests.yaml"
)

// Beside reads the tests that stand in a ruleset's tree: all .yaml, .yml and .ini files under tests/, and tests.yaml. Errors are
// one for each file that cannot be read; the others are read nevertheless. A tree without tests gives neither.
func Beside(tree fs.FS) ([]Case, []error) {
	var cases []Case
	var errs []error
	read := func(name string) {
		data, err := fs.ReadFile(tree, name)
		if err == nil {
			var more []Case
			more, err = Cases(name, data)
			cases = append(cases, more...)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	if info, err := fs.Stat(tree, File); err == nil && info.Mode().IsRegular() {
		read(File)
	}
	if _, err := fs.Stat(tree, Folder); err != nil {
		return cases, errs
	}
	err := fs.WalkDir(tree, Folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			errs = append(errs, err)
		case entry.Type().IsRegular() && (IsYAML(name) || strings.EqualFold(path.Ext(name), ".ini")):
			read(name)
		}
		return nil
	})
	if err != nil {
		errs = append(errs, err)
	}
	return cases, errs
}

// wants reads the expectations of an event, in the order in which they stand. What is wrong with them is said elsewhere.
func wants(n *yaml.Node) []Want {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		return nil
	}
	var list []Want
	for i := 0; i+1 < len(n.Content); i += 2 {
		list = append(list, Want{n.Content[i].Value, oneLine(n.Content[i+1], 0)})
	}
	return list
}

// oneLine writes a value for people: members of a list with commas between them.
func oneLine(n *yaml.Node, depth int) string {
	n = resolve(n)
	if depth > maxDepth {
		return ""
	}
	var parts []string
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			parts = append(parts, oneLine(item, depth+1))
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			parts = append(parts, n.Content[i].Value+": "+oneLine(n.Content[i+1], depth+1))
		}
	default:
		return n.Value
	}
	return strings.Join(parts, ", ")
}

// wants is what an .ini test expects. One that is to fail expects that not all of it holds.
func (t triple) wants(fails bool) []Want {
	if fails {
		return []Want{{"not", t.rule}}
	}
	var list []Want
	for _, w := range []Want{{"rule", t.rule}, {"level", t.level}, {"decoder", t.decoder}} {
		if w.Text != "" {
			list = append(list, w)
		}
	}
	return list
}
