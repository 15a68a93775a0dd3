package rulestest

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"armor/rules"
)

// section is one [name] with its expectation and its tests.
type section struct {
	name   string
	values map[string]string // rule, alert, decoder, as far as they stand there
	tests  []*iniTest
}

// iniTest is one log key: its lines go through one session, and the result of the last counts.
type iniTest struct {
	key   string
	line  int // of the first log line
	logs  []string
	lines []int
}

// Limits of a test file.
const (
	maxFile   = 64 << 20
	maxEvents = 1_000_000
)

// location of events that name none.
const location = "stdin"

// decodeText checks what both forms have in common.
func decodeText(name string, data []byte) ([]byte, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: file is larger than %d bytes; split it", name, maxFile)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s: file is not UTF-8; convert it", name)
	}
	return data, nil
}

// parseINI reads the Wazuh form: [name], "key = value", whole-line comments with ; or #.
func parseINI(name string, data []byte) ([]testCase, error) {
	data, err := decodeText(name, data)
	if err != nil {
		return nil, err
	}
	var sections []*section
	var cur *section
	n, logs := 0, 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSpace(line)
		i := strings.IndexAny(line, "=:")
		switch {
		case line == "", line[0] == ';', line[0] == '#':
			continue
		case line[0] == '[':
			if end := strings.LastIndexByte(line, ']'); end > 0 {
				cur = &section{name: line[1:end], values: map[string]string{}}
				sections = append(sections, cur)
				continue
			}
			if i < 0 {
				return nil, fmt.Errorf("%s:%d: section has no \"]\"", name, n)
			}
		}
		if cur == nil {
			return nil, fmt.Errorf("%s:%d: %q stands before the first [section]", name, n, cut(line))
		}
		if i < 0 {
			continue // to the reference's reader it is a key without a value, which means nothing
		}
		key, value := strings.ToLower(strings.TrimSpace(line[:i])), strings.TrimSpace(line[i+1:])
		switch {
		case key == "rule" || key == "alert" || key == "decoder":
			if old, ok := cur.values[key]; ok && old != value {
				value = old + " and " + value // as in the reference no result equals it, and the failure shows why
			}
			cur.values[key] = value
		case strings.HasPrefix(key, "log "):
			if logs++; logs > maxEvents {
				return nil, fmt.Errorf("%s:%d: more than %d log lines; split the file", name, n, maxEvents)
			}
			cur.log(key, value, n)
		}
	}
	return iniCases(merge(sections)), nil
}

func (s *section) log(key, value string, line int) {
	for _, t := range s.tests {
		if t.key == key {
			t.logs, t.lines = append(t.logs, value), append(t.lines, line)
			return
		}
	}
	s.tests = append(s.tests, &iniTest{key: key, line: line, logs: []string{value}, lines: []int{line}})
}

// merge puts sections of one name together: their expectations complete each other, and the lines of one key go
// through one session. Where both state the same key of an expectation they stay two sections.
func merge(sections []*section) []*section {
	byName := map[string]*section{}
	var merged []*section
	for _, s := range sections {
		first := byName[s.name]
		if first == nil {
			byName[s.name] = s
			merged = append(merged, s)
			continue
		}
		if conflict(first, s) {
			for key, value := range first.values {
				if _, ok := s.values[key]; !ok {
					s.values[key] = value
				}
			}
			merged = append(merged, s)
			continue
		}
		maps.Copy(first.values, s.values)
		for _, t := range s.tests {
			for i := range t.logs {
				first.log(t.key, t.logs[i], t.lines[i])
			}
		}
	}
	return merged
}

func conflict(a, b *section) bool {
	for key := range b.values {
		if _, ok := a.values[key]; ok {
			return true
		}
	}
	return false
}

// iniCases makes a test of every log key.
func iniCases(sections []*section) []testCase {
	var cases []testCase
	for _, s := range sections {
		want := triple{s.values["rule"], s.values["alert"], s.values["decoder"]}
		for _, t := range s.tests {
			c := testCase{name: s.name + ": " + t.key, title: s.name, line: t.line}
			for i, log := range t.logs {
				if log != "" {
					c.events = append(c.events, event{name: t.key, line: t.lines[i], repeat: 1, event: rules.Event{Location: location, Log: log}})
				}
			}
			c.last = want.check
			fails := strings.HasSuffix(t.key, "fail")
			if fails {
				c.last = want.checkNot
			}
			if n := len(c.events); n > 0 {
				c.events[n-1].wants = want.wants(fails)
			}
			cases = append(cases, c)
		}
	}
	return cases
}

func cut(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
