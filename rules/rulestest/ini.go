package rulestest

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// section is one [name] with its expectation and its tests.
type section struct {
	name                 string
	line                 int
	rule, alert, decoder string
	expects              bool // one of the three stands there, even if empty
	tests                []*test
}

// test is one log key: its lines go through one session, and the result of the last counts.
type test struct {
	name   string
	line   int // of the first log line
	negate bool
	logs   []string
}

// Limits of a test file.
const (
	maxFile = 64 << 20
	maxLogs = 1_000_000
)

// parse reads the Wazuh form: [name], "key = value", whole-line comments with ; or #.
func parse(name string, data []byte) ([]*section, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: file is larger than %d bytes; split it", name, maxFile)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s: file is not UTF-8; convert it", name)
	}
	var sections []*section
	var cur *section
	n, logs := 0, 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "", trimmed[0] == ';', trimmed[0] == '#':
			continue
		case trimmed[0] == '[':
			end := strings.IndexByte(trimmed, ']')
			if end < 0 {
				return nil, fmt.Errorf("%s:%d: section has no \"]\"", name, n)
			}
			cur = &section{name: trimmed[1:end], line: n}
			sections = append(sections, cur)
			continue
		}
		if cur == nil {
			return nil, fmt.Errorf("%s:%d: %q stands before the first [section]", name, n, cut(trimmed))
		}
		i := strings.IndexAny(line, "=:")
		if i < 0 {
			// The reader of the reference takes it for a key without a value, which means nothing.
			continue
		}
		key, value := strings.ToLower(strings.TrimSpace(line[:i])), strings.TrimSpace(line[i+1:])
		switch {
		case key == "rule":
			cur.rule, cur.expects = value, true
		case key == "alert":
			cur.alert, cur.expects = value, true
		case key == "decoder":
			cur.decoder, cur.expects = value, true
		case strings.HasPrefix(key, "log "):
			if logs++; logs > maxLogs {
				return nil, fmt.Errorf("%s:%d: more than %d log lines; split the file", name, n, maxLogs)
			}
			cur.log(key, value, n)
		}
	}
	return join(sections), nil
}

func (s *section) log(key, value string, line int) {
	for _, t := range s.tests {
		if t.name == key {
			t.logs = append(t.logs, value)
			return
		}
	}
	s.tests = append(s.tests, &test{name: key, line: line, negate: strings.HasSuffix(key, " fail"), logs: []string{value}})
}

// join gives a section without an expectation that of the earlier section with its name.
func join(sections []*section) []*section {
	byName := map[string]*section{}
	for _, s := range sections {
		if first := byName[s.name]; first != nil && !s.expects {
			s.rule, s.alert, s.decoder, s.expects = first.rule, first.alert, first.decoder, first.expects
		} else if first == nil {
			byName[s.name] = s
		}
	}
	return sections
}

func cut(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
